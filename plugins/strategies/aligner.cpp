// Aligner: learn how a weak model's answers are to be corrected, and correct them.
#include <w2s/folds.hpp>

#include <algorithm>

namespace w2s {
namespace {

class Aligner final : public ISupervisionStrategy {
 public:
  struct Params {
    std::string model;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits the weak model anew to one half of the supervisor's examples and lets it answer the other "
         "half, which it does not know. There a corrector that reads the example with the weak answer behind "
         "it learns the true one. By default the student is the corrector, and what it gives are corrected "
         "answers; with a model of its own, the corrector replaces the labels and the student learns these. "
         "This reads true labels of the supervisor half. Texts only.")
        .source("Ji et al. 2024 (Aligner)");
    s.field("model", &Params::model,
            "the corrector, a name in [models], whose corrections are the student's labels; left out: the "
            "student itself corrects");
  }
  explicit Aligner(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::preference ? "it corrects answers to one text, and preferences are of two" : "";
  }
  Truth reads_truth() const override { return Truth::supervisor_half; }
  std::vector<std::string> models() const override {
    return params_.model.empty() ? std::vector<std::string>() : std::vector<std::string>{params_.model};
  }

  void check(const StrategyContext& context) const override {
    if (context.labels_from_outside) {
      throw UsageError(
          "aligner learns from a weak model's mistakes on its own half, and here the labels come from "
          "outside "
          "([supervisor])");
    }
    const auto& known = context.models;
    if (!params_.model.empty() && std::find(known.begin(), known.end(), params_.model) == known.end()) {
      throw UsageError("strategy 'aligner': '" + params_.model + "' is not in [models]" +
                       did_you_mean(params_.model, known));
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const SupervisorFit& lesson = lab.supervisor_fit();
    const auto parts = random_parts(lesson.labels.examples, 2, lab.stream("aligner"));
    if (parts[1].empty()) throw UsageError("aligner: the supervisor half is one group and cannot be split");
    FitSpec corrector = params_.model.empty() ? spec : lab.for_model(spec, params_.model);
    corrector.draft = lab.fit(lesson.labels.select(parts[0]), lesson.spec);
    corrector.validation = lesson.spec.validation;
    const Supervision corrections = lesson.labels.select(parts[1]);
    if (params_.model.empty()) return next(corrections, corrector);

    const Student aligned = lab.fit(corrections, corrector);
    FitSpec student = spec;
    if (student.validation) student.validation = lab.label(aligned, student.validation->examples);
    return next(lab.label(aligned, labels.examples), student);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Aligner, "aligner");

}  // namespace
}  // namespace w2s
