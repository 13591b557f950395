// Trainer: the training loop. Every fit goes through it.
//
// One optimiser step: the batch is cut into micro-batches by length, each is
// forwarded, the loss sees the joined logits once, and the gradient flows back.
// Where the batch's activations do not fit train.activation_tokens, the forward
// runs without gradients, the loss gives ∂loss/∂logits, and each micro-batch is
// forwarded again and backpropagated alone. The numbers are the same.
//
// Early stopping looks at validation labels of the same origin as the training
// labels; the checkpoint that ground truth would choose is kept apart ("oracle").
#pragma once

#include <functional>
#include <optional>

#include <w2s/fit.hpp>
#include <w2s/loss.hpp>

#include "engine/network.hpp"
#include "engine/optimizer.hpp"

namespace w2s {

/// One line of a fit's log.
struct StepReport {
  std::int64_t step = 0, total = 0, epoch = 0;
  double loss = 0, lr = 0, gradient_norm = 0, examples_per_second = 0;
  // Set where this step was followed by a validation.
  std::optional<double> validation_agreement;  ///< share of validation labels (argmax) that the student gives
  std::optional<double> validation_accuracy;   ///< the same against ground truth: for the oracle only
};

struct TrainResult {
  std::int64_t steps = 0;        ///< taken
  std::int64_t kept_step = 0;    ///< after which the kept weights were read
  std::int64_t oracle_step = 0;
  std::map<std::string, Tensor> oracle;  ///< trained tensors at the oracle's step; empty without early stopping
};

class Trainer {
 public:
  /// The first `training.size()` rows of the trainee are trained on, the rows behind them are the validation's.
  /// `loss_name` stands in messages. Weights are scaled to a mean of 1.
  Trainer(Trainee& trainee, ILoss& loss, std::string loss_name, const TrainParams& train, const Supervision& training,
          const Supervision* validation, Stream stream, at::Device device,
          std::function<void(const StepReport&)> observe);

  /// Trains to the end; the trainee then holds the kept weights.
  /// Throws Error naming loss, step and example where a loss is not finite or has the wrong shape.
  TrainResult run();

  std::int64_t total_steps() const { return total_steps_; }

 private:
  struct StepOutcome {
    double loss, gradient_norm;
  };
  StepOutcome step(const std::vector<std::int64_t>& batch, std::int64_t number, double lr);
  Tensor checked_loss(const Tensor& logits, const std::vector<std::int64_t>& batch, std::int64_t number);
  bool validate(StepReport& report, TrainResult& result);
  std::map<std::string, Tensor> snapshot();

  Trainee& trainee_;
  ILoss& loss_;
  std::string loss_name_;
  TrainParams train_;
  const Supervision& training_;
  const Supervision* validation_;
  Stream stream_;
  at::Device device_;
  std::function<void(const StepReport&)> observe_;
  Tensor targets_, weights_;
  std::int64_t steps_per_epoch_, total_steps_;
  std::int64_t epoch_ = 0;
  Optimizer optimizer_;

  // Early stopping.
  std::map<std::string, Tensor> kept_;
  double best_agreement_ = -1, best_loss_ = 0, best_accuracy_ = -1;
  std::int64_t stale_ = 0;
};

/// Tokens per micro-batch and per replayed batch where the configuration says 0.
inline constexpr std::int64_t kMicroTokens = 4096;
inline constexpr std::int64_t kActivationTokens = 16384;

}  // namespace w2s
