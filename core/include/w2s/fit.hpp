// FitSpec: how one model is fitted to one supervision. A strategy edits it.
// Plain values: a FitSpec has one owner, a Student may be copied to any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <w2s/schema.hpp>
#include <w2s/step_rule.hpp>
#include <w2s/supervision.hpp>
#include <w2s/train.hpp>

namespace w2s {

class FittedModel;  // private to the core

/// A fitted model, or several whose probabilities are averaged. Cheap to copy.
class Student {
 public:
  Student() = default;
  explicit Student(std::string key) : members_{std::move(key)} {}
  explicit Student(std::vector<std::string> keys) : members_(std::move(keys)) {}
  /// Store keys of the fits behind it; one for an ordinary student.
  const std::vector<std::string>& members() const { return members_; }
  bool empty() const { return members_.empty(); }

 private:
  std::vector<std::string> members_;
};

struct FitSpec {
  std::string model;  ///< a name in [models]
  Student start;      ///< begin at this student's weights; empty: the model's own initialisation
  TrainParams train;
  Spec loss{"cross_entropy", {}, {}};
  std::optional<Supervision>
      validation;                ///< for early stopping; labels of the same origin as the training labels
  std::optional<StepPlan> rule;  ///< what each step minimises; empty: the weighted mean of `loss`
  Student draft;  ///< text tasks: the model reads each input with this student's answer appended; empty: none
  std::vector<std::string>
      rejected;               ///< generation: [N] another answer to each example, for rules that compare
  double weight_average = 0;  ///< decay of the moving average of the weights that is kept; 0: the last ones
  std::uint64_t seed = 0;     ///< of the order of the examples and of weights that are drawn at random
};

}  // namespace w2s
