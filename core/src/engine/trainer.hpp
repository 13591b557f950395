// Trainer: the training loop. Every fit goes through it.
//
// One optimiser step: the batch is cut into micro-batches by length, each is
// forwarded, the loss sees the joined logits once, and the gradient flows back.
// Where the batch's activations do not fit train.activation_tokens, the forward
// runs without gradients, the loss gives ∂loss/∂logits, and each micro-batch is
// forwarded again and backpropagated alone. The numbers are the same.
//
// A strategy's StepRule may take the place of the loss: it sees all students of the fit and gives one
// scalar; the whole batch's activations are then kept. Students are validated together, by the mean of
// their probabilities.
//
// Generation: an example is as many rows of logits as its answer has tokens (Trainee::rows), and all that is
// said of examples [B] holds for these rows: targets are one-hot over the vocabulary, an index is a token's
// place among all training tokens, a token has its example's weight, a loss is averaged over the tokens of a
// batch. A validation example counts as right where every token is.
//
// The processes of a team carry out one fit together: each forwards its share of a batch's examples, the
// logits are joined, every process computes the loss of the whole batch and sends the gradient of its own
// rows back, and the gradients of the weights are added up. All hold the same weights after every step.
//
// Early stopping looks at validation labels of the same origin as the training
// labels; the checkpoint that ground truth would choose is kept apart ("oracle").
#pragma once

#include <functional>

#include <w2s/fit.hpp>
#include <w2s/loss.hpp>

#include "engine/checkpoint.hpp"
#include "engine/network.hpp"
#include "engine/optimizer.hpp"
#include "engine/team/team.hpp"
#include "plugins/guard.hpp"
#include "status/progress.hpp"

namespace w2s {

/// Trained tensors by name.
using Snapshot = std::map<std::string, Tensor>;

struct TrainResult {
  std::int64_t steps = 0;      ///< taken
  std::int64_t kept_step = 0;  ///< after which the kept weights were read
  std::int64_t oracle_step = 0;
  Snapshot oracle;                      ///< at the oracle's step; empty without early stopping
  std::vector<Snapshot> other_oracles;  ///< of the students that were added, in their order
};

class Trainer final : private Training {
 public:
  /// The first `training.size()` rows of the trainee are trained on, the rows behind them are the
  /// validation's; generation: behind these the validation's with their reference answers, then, where there
  /// are any, FitSpec::rejected. `loss_name` stands in messages. Weights are scaled to a mean of 1.
  Trainer(Trainee& trainee, ILoss& loss, std::string loss_name, const TrainParams& train,
          const Supervision& training, const Supervision* validation, Stream stream, at::Device device,
          std::function<void(const Progress&)> observe);

  /// A student that is trained beside the first, with a loss of its own that has not begun. Needs a rule.
  void add_student(Trainee& trainee, ILoss& loss);
  /// The rule minimises what it likes in the place of the loss; `owner` is named in messages.
  void follow(StepRule& rule, PluginOrigin owner);
  /// Keeps and validates the moving average of the weights, w̄ ← d_t w̄ + (1 − d_t) w after step t, with
  /// d_t = d (1 − d^(t−1)) / (1 − d^t): the average of the steps taken, without the initial weights.
  void average_weights(double decay) { decay_ = decay; }

  /// Trains with the other processes of the team, which do the same; must outlive run(). Without `shares`
  /// each forwards everything itself, and only decisions are made together.
  void join(Team& team, bool shares) {
    team_ = &team;
    shares_ = shares;
  }

  /// Goes on from what is found there and saves the state there; must outlive run().
  void checkpoint(Checkpoints& checkpoints) { checkpoints_ = &checkpoints; }

  /// Trains to the end; the trainee then holds the kept weights. Throws Interrupted.
  /// Throws Error naming loss, step and example where a loss is not finite or has the wrong shape.
  TrainResult run();

  std::int64_t total_steps() const { return total_steps_; }

 private:
  struct StepOutcome {
    double loss, gradient_norm;
  };
  struct Trained {
    Trainee* trainee;
    ILoss* loss;
    Optimizer optimizer;
    Snapshot average, kept, oracle;
  };
  StepOutcome step(const Positions& batch, std::int64_t number, double lr);
  Tensor backward_loss(const Positions& batch, std::int64_t number);
  Tensor backward_rule(const Positions& batch, std::int64_t number);
  Tensor checked_values(ILoss& loss, const Tensor& logits, const Tensor& targets, const Positions& batch);
  Positions rows_of(const Positions& examples) const;
  std::int64_t example_of(std::int64_t row, const Positions& batch) const;
  struct Agreement {
    double share, loss;
  };
  Agreement teacher_forced(std::int64_t begin);
  struct Validated {
    double agreement, accuracy, loss;
  };
  Validated validated();
  Positions own_share(const Trainee& trainee, const Positions& examples) const;
  Tensor joined(const Tensor& own, const Positions& places, std::int64_t rows, std::int64_t width) const;
  std::int64_t width() const;
  Tensor forwarded(Trainee& trainee, const Positions& positions);
  Tensor ordered_logits(Trainee& trainee, const Positions& positions);
  void start_together(const TrainResult& result);
  bool validate(Progress& report, TrainResult& result);
  void update_averages();
  void swap_averages();
  Checkpoint state(const TrainResult& result) const;
  void restore(const Checkpoint& saved, TrainResult& result);

  const Supervision& labels() const override { return training_; }
  std::int64_t students() const override { return static_cast<std::int64_t>(students_.size()); }
  std::int64_t epoch() const override { return epoch_; }
  std::int64_t epochs() const override { return train_.epochs; }
  double fraction() const override { return static_cast<double>(step_) / static_cast<double>(total_steps_); }
  Stream& stream() override { return rule_stream_; }
  Tensor logits(std::int64_t student, const Positions& positions) override;
  Tensor mixed_logits(std::int64_t student, const Positions& a, const Positions& b,
                      const Tensor& share) override;
  Tensor targets(const Positions& positions) override;
  Tensor weights(const Positions& positions) override;
  Tensor answer_log_probabilities(std::int64_t student, const Positions& positions, bool rejected) override;
  Tensor losses(std::int64_t student, const Tensor& logits, const Tensor& targets,
                const Positions& positions) override;

  std::vector<Trained> students_;
  std::string loss_name_;
  TrainParams train_;
  StepRule* rule_ = nullptr;
  PluginOrigin rule_owner_;
  Stream rule_stream_;
  double decay_ = 0, decay_power_ = 1;
  const Supervision& training_;
  const Supervision* validation_;
  Stream stream_;
  at::Device device_;
  std::function<void(const Progress&)> observe_;
  std::vector<std::int64_t> first_row_;  // [size + 1] of each of the trainee's examples
  Tensor targets_, weights_;             // by row
  std::int64_t steps_per_epoch_, total_steps_;
  std::int64_t epoch_ = 0, step_ = 0;

  // Early stopping.
  double best_agreement_ = -1, best_loss_ = 0, best_accuracy_ = -1;
  std::int64_t stale_ = 0;

  Checkpoints* checkpoints_ = nullptr;
  Team* team_ = nullptr;
  bool shares_ = false;
};

/// Tokens per micro-batch and per replayed batch where the configuration says 0.
inline constexpr std::int64_t kMicroTokens = 4096;
inline constexpr std::int64_t kActivationTokens = 16384;

}  // namespace w2s
