// ISupervisionStrategy: who teaches, on what, and how the student is fitted.
//
// Strategies form a chain, outermost first. Each may change the supervision or
// the spec and call `next` as often as it likes; the end of the chain is
// lab.fit. An empty chain is naive fine-tuning.
//
// A strategy object serves one job, in one thread; `lab` and `next` are called from
// that thread alone.
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

/// True labels that a strategy looks at beyond the fit of the pair's weak model.
enum class Truth {
  none,             ///< only the supervisor's labels, as a student that surpasses its teacher would
  supervisor_half,  ///< those that the weak model learnt from: Lab::supervisor_fit()
  transfer_half,    ///< those of the student's own examples: no longer weak-to-strong
};
constexpr auto enum_names(Truth) { return std::array{"none", "supervisor half", "transfer half"}; }

class W2S_API ISupervisionStrategy {
 public:
  virtual ~ISupervisionStrategy();

  virtual Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) = 0;

  /// Why it cannot work on tasks of this kind, "" where it can. By default it wants examples with classes.
  virtual std::string serves(TaskKind kind) const;

  /// Throws UsageError where this strategy makes no sense here (a ladder model that does not exist). Asked
  /// only about kinds that it serves.
  virtual void check(const StrategyContext& context) const;

  /// Which true labels it looks at. Rows of the leaderboard say so, as methods that look at more are not
  /// to be compared with those that look at less.
  virtual Truth reads_truth() const { return Truth::none; }

  /// How many fitted models its student is the mean of, where `next` gives one. A mean of several is better
  /// than each: it is to be compared with the mean of as many naive students.
  virtual std::int64_t members() const { return 1; }

  /// True where it sets FitSpec::rule: a chain has room for one such strategy.
  virtual bool sets_step_rule() const { return false; }

  /// Names of further models that this strategy fits: they are pretrained before the students.
  virtual std::vector<std::string> models() const { return {}; }
};

}  // namespace w2s
