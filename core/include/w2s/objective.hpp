// IObjective: what a model is pretrained on before it sees any label.
// An object serves one pretraining, in one thread.
#pragma once

#include <w2s/model.hpp>

namespace w2s {

class W2S_API IObjective {
 public:
  virtual ~IObjective();

  /// Files that it reads in the place of the task's inputs; empty: it takes the task's. Their existence is
  /// checked by `validate`, their contents are part of the pretraining's key.
  virtual std::vector<std::string> files() const;

  /// What it trains on, asked for once and before begin(). By default the examples as the model reads them.
  virtual Encoded inputs(const IModel& model, const Examples& examples, TaskKind kind);

  /// Called once: creates the objective's own weights (a projection head) in parameters().
  virtual void begin(IModel& model, const Encoded& inputs, Stream stream) = 0;

  /// The mean loss of one batch (a scalar with gradient) for these rows of `inputs`.
  /// All randomness (augmentation, masking) comes from `stream`.
  virtual Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows,
                      Stream& stream) = 0;

  /// Measures of the trained model (held-out perplexity), kept with the pretraining; none by default.
  virtual std::map<std::string, double> measures(IModel& model);

  /// Trained beside the model's and then thrown away.
  Parameters& parameters() { return parameters_; }

 private:
  Parameters parameters_;
};

}  // namespace w2s
