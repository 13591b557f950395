// StepRule: what one optimiser step minimises, where that is more than a loss of labels.
//
// A strategy in which two students teach each other, or inputs are mixed, sets FitSpec::rule and
// calls `next` as ever. The engine keeps the loop: order of the examples, schedule, optimiser, early
// stopping, log and store. A fresh rule is made for every fit and sees it through Training; it must
// draw on nothing but that and its owner's parameters, which are part of the fit's key.
// A rule and its Training live in the thread of the fit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <w2s/random.hpp>
#include <w2s/schema.hpp>
#include <w2s/supervision.hpp>

namespace w2s {

/// Positions of training examples, 0 … labels().size() − 1.
using Positions = std::vector<std::int64_t>;

/// The running fit, as its rule sees it. Tensors are on the students' device.
class W2S_API Training {
 public:
  virtual ~Training();

  virtual const Supervision& labels() const = 0;  ///< hardened where train.labels = "hard"; on the CPU
  virtual std::int64_t students() const = 0;
  virtual std::int64_t epoch() const = 0;   ///< from 0
  virtual std::int64_t epochs() const = 0;  ///< train.epochs
  virtual double fraction() const = 0;      ///< of all steps, those before this one; in [0, 1)
  virtual Stream& stream() = 0;             ///< for draws of the rule's own

  /// A student's logits [n, C], differentiable unless gradients are off.
  virtual Tensor logits(std::int64_t student, const Positions& positions) = 0;
  /// The same for share·x_a + (1 − share)·x_b with shares [n] in [0, 1]. Mixed are dense inputs where the
  /// whole network trains, otherwise the features before the head.
  virtual Tensor mixed_logits(std::int64_t student, const Positions& a, const Positions& b,
                              const Tensor& share) = 0;
  virtual Tensor targets(const Positions& positions) = 0;  ///< [n, C]
  virtual Tensor weights(const Positions& positions) = 0;  ///< [n], mean 1 over all examples
  /// Generation: Σ log p of each example's answer, or of FitSpec::rejected, [n], differentiable.
  virtual Tensor answer_log_probabilities(std::int64_t student, const Positions& positions, bool rejected);
  /// The fit's own loss (FitSpec::loss) of each example [n], not weighted.
  virtual Tensor losses(std::int64_t student, const Tensor& logits, const Tensor& targets,
                        const Positions& positions) = 0;
};

class W2S_API StepRule {
 public:
  virtual ~StepRule();
  virtual void begin_epoch(Training&) {}
  /// What this step minimises: a scalar with gradient. Called once per batch, in order.
  virtual Tensor loss(Training& training, const Positions& batch) = 0;

  /// Everything that later steps depend on, by name; a fit that was interrupted goes on from it.
  virtual std::map<std::string, Tensor> state() const;
  virtual void load_state(const std::map<std::string, Tensor>& state);
};

struct StepPlan {
  Spec owner;  ///< the strategy and its parameters (spec_of): they and its code are part of the fit's key
  /// Trained side by side; the fit's Student has as many members. With more than one, heads start at
  /// random rather than at zero, and weights that are not pretrained differ.
  std::int64_t students = 1;
  std::function<std::unique_ptr<StepRule>()> make;
};

}  // namespace w2s
