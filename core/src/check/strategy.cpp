#include <exception>

#include <fmt/format.h>

#include "check/check.hpp"
#include "check/tiny_world.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kClasses = 3;

// The parameters; a required list of names that is missing is a ladder of models.
Table params_of(const Subject<ISupervisionStrategy>& strategy) {
  Table params = strategy.params;
  for (const auto& field : strategy.schema->fields()) {
    if (field->is_required() && params.find(field->name()) == nullptr)
      params.set(field->name(), List{"medium"});
  }
  return params;
}

// Why it cannot be tried on three classes of vectors, in its own words; "" where it accepts them.
std::string refusal(const Subject<ISupervisionStrategy>& strategy, const Table& params) {
  try {
    const std::unique_ptr<ISupervisionStrategy> subject = strategy.make(params);
    if (std::string why = subject->serves(TaskKind::classification); !why.empty()) return why;
    subject->check({TaskKind::classification, kClasses, {"weak", "medium", "strong"}, "strong", false});
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

struct Setting {
  std::string store = "";  // empty: one of its own
  bool pieces = false;     // micro-batches of a few rows
  bool probing = false;    // a probe with early stopping on validation rows
};

// One student, fitted in a small world that stays with it.
struct Trial {
  std::unique_ptr<TinyWorld> world;
  Student student;
  bool labels_kept = true;
  Tensor probabilities() { return world->lab().predict(student, world->test()); }
};

Trial attempt(const Subject<ISupervisionStrategy>& strategy, const Table& params, const Registry& plugins,
              const Setting& setting = {}) {
  TinyOptions options;
  options.train.set("epochs", 3);
  Trial trial;
  trial.world =
      std::make_unique<TinyWorld>(plugins, blobs(480, kClasses, 6, 1.0, 2), kClasses, options, setting.store);
  LocalLab& lab = trial.world->lab();
  Supervision labels = trial.world->weak_labels();
  FitSpec spec = trial.world->spec();
  if (setting.pieces) {
    spec.train.micro_tokens = 7;
    spec.train.activation_tokens = 14;
  }
  if (setting.probing) {
    spec.train.trainable = Trainable::head();
    spec.train.standardize = true;
    spec.train.early_stopping = true;
    std::vector<std::int64_t> front, back;
    for (std::int64_t i = 0; i < labels.size(); ++i) (i < 90 ? front : back).push_back(i);
    spec.validation = labels.select(back);
    labels = labels.select(front);
  }
  const std::string before = labels.digest();
  trial.student = strategy.make(params)->supervise(
      labels, spec, lab,
      [&](const Supervision& handed, const FitSpec& wanted) { return lab.fit(handed, wanted); });
  trial.labels_kept = labels.digest() == before;
  return trial;
}

}  // namespace

std::vector<Finding> check_strategy(const Subject<ISupervisionStrategy>& strategy, const Registry& plugins) {
  Findings findings;
  check_documented(findings, *strategy.schema);
  const Table params = params_of(strategy);
  const auto run = [&](const Setting& setting = {}) { return attempt(strategy, params, plugins, setting); };

  Trial first;
  Tensor expected;
  std::string reason = refusal(strategy, params);
  std::exception_ptr thrown;
  if (reason.empty()) {
    try {
      first = run();
    } catch (const WrongInputs& error) {  // once it has accepted them, only the want of texts excuses it
      reason = error.what();
    } catch (...) {
      thrown = std::current_exception();
    }
  }
  if (!reason.empty()) {
    findings.check("is not for classes of vectors: documentation only was looked at (" + reason + ")", "",
                   [] { return ""; });
    return findings.all();
  }

  findings.check("fits a student, alike for one seed",
                 "draw random numbers from lab.stream(\"purpose\") or the rule's Training::stream() alone",
                 [&]() -> std::string {
                   if (thrown) std::rethrow_exception(thrown);
                   if (first.student.empty()) return "it returned an empty student";
                   expected = first.probabilities();
                   Trial second = run();
                   if (second.student.empty()) return "the second time it returned an empty student";
                   const Tensor p = second.probabilities();
                   return p.equal(expected) ? ""
                                            : fmt::format("two runs with one seed differ by up to {:.3g}",
                                                          (p - expected).abs().max().item<double>());
                 });
  if (!expected.defined()) return findings.all();
  findings.check(
      "says of how many models its student is the mean",
      "override members(): rows are compared with naive students of as many", [&]() -> std::string {
        const auto found = static_cast<std::int64_t>(first.student.members().size());
        const std::int64_t said = strategy.make(params)->members();
        return found == said ? "" : fmt::format("members() gives {}, its student has {}", said, found);
      });
  findings.check(
      "is answered from the store the second time",
      "ask the lab for fits, predictions and features; keep anything else with lab.once(), under a "
      "digest of all that it depends on",
      [&]() -> std::string {
        Trial again = run({.store = first.world->store()});
        if (const std::int64_t computed = again.world->lab().computed(); computed > 0)
          return fmt::format("the second run computed {} fits anew", computed);
        return again.student.members() == first.student.members() ? ""
                                                                  : "the second run gave another student";
      });
  findings.check("fits the same however the engine cuts a batch",
                 "ask Training for logits and losses of whole batches, and keep nothing between its calls",
                 [&]() -> std::string {
                   const Tensor p = run({.pieces = true}).probabilities();
                   return p.allclose(expected, 1e-3, 1e-3)
                              ? ""
                              : fmt::format("micro-batches change it by {:.3g}",
                                            (p - expected).abs().max().item<double>());
                 });
  findings.check("serves a probe with early stopping",
                 "hand on spec.validation and spec.train, but for what the strategy is about",
                 [&]() -> std::string {
                   Trial probe = run({.probing = true});
                   const double accuracy = probe.world->accuracy(probe.student);
                   return accuracy > 0.5 ? ""
                                         : fmt::format(
                                               "its student is right on {:.2f} of a task on which "
                                               "0.33 is chance and naive fitting passes 0.5",
                                               accuracy);
                 });
  findings.check("leaves its labels as they are",
                 "change a copy: the supervision that a strategy is given belongs to its caller",
                 [&] { return first.labels_kept ? "" : "the targets or weights that it was given changed"; });
  return findings.all();
}

}  // namespace w2s
