// ISupervisionStrategy: who teaches, on what, and how the student is fitted.
//
// Strategies form a chain, outermost first. Each may change the supervision or
// the spec and call `next` as often as it likes; the end of the chain is
// lab.fit. An empty chain is naive fine-tuning.
#pragma once

#include <functional>

#include <w2s/lab.hpp>
#include <w2s/register.hpp>

namespace w2s {

using Next = std::function<Student(const Supervision&, const FitSpec&)>;

/// What a strategy may check before any training.
struct StrategyContext {
  TaskKind kind = TaskKind::classification;
  std::int64_t classes = 2;
  std::vector<std::string> models;   ///< names in [models]
  std::string student;               ///< the model to be fitted
  bool labels_from_outside = false;  ///< no model is the supervisor: Lab::supervisor_fit() throws
};

class W2S_API ISupervisionStrategy {
 public:
  virtual ~ISupervisionStrategy();

  virtual Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) = 0;

  /// Throws UsageError where this strategy makes no sense here (a ladder model that does not exist).
  virtual void check(const StrategyContext& context) const;

  /// The kinds of task that it works on; by default those that have classes.
  virtual bool serves(TaskKind kind) const { return kind != TaskKind::generation; }

  /// True where it sets FitSpec::rule: a chain has room for one such strategy.
  virtual bool sets_step_rule() const { return false; }

  /// Names of further models that this strategy fits: they are pretrained before the students.
  virtual std::vector<std::string> models() const { return {}; }
};

}  // namespace w2s
