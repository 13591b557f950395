// IObjective: what a model is pretrained on before it sees any label.
#pragma once

#include <w2s/model.hpp>

namespace w2s {

class W2S_API IObjective {
 public:
  virtual ~IObjective();

  /// Called once: creates the objective's own weights (a projection head) in parameters().
  virtual void begin(IModel& model, const Encoded& inputs, Stream stream) = 0;

  /// The mean loss of one batch (a scalar with gradient) for these rows of `inputs`.
  /// All randomness (augmentation, masking) comes from `stream`.
  virtual Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows, Stream& stream) = 0;

  /// Trained beside the model's and then thrown away.
  Parameters& parameters() { return parameters_; }

 private:
  Parameters parameters_;
};

}  // namespace w2s
