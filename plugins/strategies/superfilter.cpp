// Superfiltering: a weak language model says which answers are worth learning from.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

class Superfilter final : public ISupervisionStrategy {
 public:
  struct Params {
    double keep = 0.1;
    std::string model;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Keeps the examples with the most difficult answers: those whose answer gains the least in "
         "likelihood when a weak language model is shown the question. An answer that the question makes no "
         "likelier is taken for a wrong one and left out. An answer's end of text is not counted, nor its "
         "first "
         "token where there are others.")
        .formula("IFD = ppl(answer | question) / ppl(answer); of those below 1 the largest")
        .source("Li et al. 2024 (Superfiltering)");
    s.field("keep", &Params::keep, "fraction of all examples that is kept, at most").above(0).at_most(1);
    s.field("model", &Params::model,
            "the weak language model, a name in [models], fitted to the supervisor's examples with its own "
            "settings; left out: the supervisor");
  }
  explicit Superfilter(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "" : "it scores written answers";
  }
  Truth reads_truth() const override { return params_.model.empty() ? Truth::none : Truth::supervisor_half; }
  std::vector<std::string> models() const override {
    return params_.model.empty() ? std::vector<std::string>() : std::vector<std::string>{params_.model};
  }

  void check(const StrategyContext& context) const override {
    if (context.labels_from_outside) {
      throw UsageError(
          "superfilter scores answers by a weak model fitted to true ones, and here the labels come from "
          "outside ([supervisor])");
    }
    const auto& known = context.models;
    if (!params_.model.empty() && std::find(known.begin(), known.end(), params_.model) == known.end()) {
      throw UsageError("strategy 'superfilter': '" + params_.model + "' is not in [models]" +
                       did_you_mean(params_.model, known));
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    Student scorer = lab.supervisor();
    if (!params_.model.empty()) {
      scorer = lab.fit(lab.supervisor_fit().labels, lab.supervisor_spec(params_.model));
    }
    // log IFD: what a token of the answer loses in log-likelihood by the question.
    const AnswerScores alone = lab.score_answers(scorer, labels.examples, labels.answers, false),
                       asked = lab.score_answers(scorer, labels.examples, labels.answers, true);
    const Tensor difficulty = per_token(alone) - per_token(asked);
    const double* value = difficulty.data_ptr<double>();
    std::vector<std::int64_t> kept;
    for (const std::int64_t i : ranked(-difficulty, labels.examples)) {
      if (value[i] < 0) kept.push_back(i);
    }
    const std::size_t answerable = kept.size();
    if (answerable == 0) throw Error("superfilter: the question makes none of the answers likelier");
    // The slack keeps 0.2 · 5 at 1 in spite of rounding.
    const double most = std::ceil(params_.keep * static_cast<double>(labels.size()) - 1e-9);
    kept.resize(std::min(answerable, static_cast<std::size_t>(most)));
    std::sort(kept.begin(), kept.end());
    lab.log("superfilter: " + std::to_string(kept.size()) + " of " + std::to_string(labels.size()) +
            " examples kept; " + std::to_string(labels.size() - static_cast<std::int64_t>(answerable)) +
            " answers are no likelier with their question");
    return next(labels.select(kept), spec);
  }

 private:
  static Tensor per_token(const AnswerScores& scores) {
    return (scores.inner_log_probability / scores.inner_tokens.clamp_min(1)).contiguous();
  }

  const Params params_;
};

W2S_STRATEGY(Superfilter, "superfilter");

}  // namespace
}  // namespace w2s
