// Bootstrapping: each model of a ladder labels the data for the next one.
#include <w2s/folds.hpp>

#include <algorithm>

namespace w2s {
namespace {

class Bootstrap final : public ISupervisionStrategy {
 public:
  struct Params {
    std::vector<std::string> ladder;
    bool fresh_examples = false;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits the models of the ladder one after another, each to the labels of the one before, and the "
         "student "
         "to the last one's labels.")
        .source("Burns et al. 2023, 4.3.1");
    s.field("ladder", &Params::ladder, "intermediate models between supervisor and student, weakest first")
        .required();
    s.field(
        "fresh_examples", &Params::fresh_examples,
        "split the examples into equal parts, one a step, so that no model labels what it was trained on");
  }
  explicit Bootstrap(const Params& params) : params_(params) {}

  std::vector<std::string> models() const override { return params_.ladder; }
  std::string serves(TaskKind) const override { return ""; }

  void check(const StrategyContext& context) const override {
    if (params_.ladder.empty()) throw UsageError("strategy 'bootstrap': the ladder names no model");
    for (const std::string& model : params_.ladder) {
      if (std::find(context.models.begin(), context.models.end(), model) != context.models.end()) continue;
      throw UsageError("strategy 'bootstrap': the ladder names '" + model + "', which is not in [models]" +
                       did_you_mean(model, context.models));
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const std::size_t steps = params_.ladder.size() + 1;
    std::vector<std::vector<std::int64_t>> parts;
    if (params_.fresh_examples)
      parts = random_parts(labels.examples, steps, lab.stream_for("bootstrap", labels, spec));

    FitSpec last = spec;
    Supervision current = params_.fresh_examples ? labels.select(parts[0]) : labels;
    for (std::size_t step = 0; step + 1 < steps; ++step) {
      FitSpec rung = lab.for_model(last, params_.ladder[step]);
      rung.start = {};
      const Student teacher = next(current, rung);
      const Examples examples =
          params_.fresh_examples ? labels.examples.select(parts[step + 1]) : labels.examples;
      lab.log("bootstrap: '" + params_.ladder[step] + "' labels " + std::to_string(examples.size()) +
              " examples");
      current = lab.label(teacher, examples);
      if (last.validation) last.validation = lab.label(teacher, last.validation->examples);
    }
    return next(current, last);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Bootstrap, "bootstrap");

}  // namespace
}  // namespace w2s
