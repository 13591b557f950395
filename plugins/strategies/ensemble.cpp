// Ensemble: several weak supervisors label the examples together.
#include <w2s/folds.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

enum class How { bagging, boosting };
constexpr auto enum_names(How) { return std::array{"bagging", "boosting"}; }

enum class Combine { average, vote };
constexpr auto enum_names(Combine) { return std::array{"average", "vote"}; }

class Ensemble final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t size = 5, folds = 2;
    How how = How::bagging;
    Combine combine = Combine::average;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits further supervisors like the first, on resampled (bagging) or reweighted (boosting, SAMME) "
         "ground truth of the supervisor half, and fits the student to what they say together. Boosting "
         "takes "
         "its errors from supervisors of the other folds, so that one that memorises its examples is not "
         "taken "
         "for faultless. It replaces the labels that it is given, so it stands first in a chain.")
        .source(
            "bagging: Breiman 1996; boosting: Zhu et al. 2009; for weak supervisors: EnsemW2S, Agrawal et "
            "al. 2024");
    s.field("size", &Params::size, "supervisors").at_least(1);
    s.field("how", &Params::how, "what makes them differ");
    s.field("folds", &Params::folds, "boosting: parts, whose errors are those of a supervisor of the others")
        .at_least(2);
    s.field("combine", &Params::combine,
            "mean of the probabilities, or share of the votes; boosted ones weighted");
  }
  explicit Ensemble(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it combines labels of examples, not token by token" : "";
  }
  Truth reads_truth() const override { return Truth::supervisor_half; }

  void check(const StrategyContext& context) const override {
    if (context.labels_from_outside) {
      throw UsageError(
          "strategy 'ensemble' fits further weak models like the supervisor, and here the labels come "
          "from outside ([supervisor])");
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const SupervisorFit& lesson = lab.supervisor_fit();
    std::vector<Student> members;
    std::vector<double> says;
    Supervision taught = lesson.labels;
    Stream stream = lab.stream("ensemble");
    for (std::int64_t m = 0; m < params_.size; ++m) {
      FitSpec weak = lesson.spec;
      weak.seed = stream.bits() >> 1;
      if (params_.how == How::bagging) {
        std::vector<std::int64_t> drawn(static_cast<std::size_t>(lesson.labels.size()));
        for (auto& row : drawn) row = stream.below(lesson.labels.size());
        members.push_back(lab.fit(lesson.labels.select(drawn), weak));
        says.push_back(1);
        continue;
      }
      members.push_back(lab.fit(taught, weak));
      const Tensor wrong =
          cross_predict(taught, weak, params_.folds, lab,
                        [&](const Supervision& part, const FitSpec& f) { return lab.fit(part, f); })
              .argmax(1)
              .ne(taught.examples.labels())
              .to(at::kFloat);
      const double classes = static_cast<double>(taught.classes());
      const double error =
          std::clamp((taught.weights * wrong).sum().item<double>() / taught.weights.sum().item<double>(),
                     1e-6, 1 - 1e-6);
      // One no better than chance has nothing to say.
      const double say = std::max(0.0, std::log((1 - error) / error) + std::log(classes - 1));
      says.push_back(say);
      taught.weights = taught.weights * (say * wrong).exp();
      taught.weights = taught.weights / taught.weights.mean();
    }
    if (std::all_of(says.begin(), says.end(), [](double say) { return say == 0; }))
      says.assign(says.size(), 1);

    const auto together = [&](const Supervision& given) {
      Supervision combined = given;
      combined.targets = at::zeros_like(given.targets);
      double total = 0;
      for (std::size_t m = 0; m < members.size(); ++m) {
        const Tensor p = lab.predict(members[m], given.examples);
        combined.targets += says[m] * (params_.combine == Combine::vote ? one_hot_argmax(p) : p);
        total += says[m];
      }
      combined.targets /= total;
      return combined;
    };
    FitSpec student = spec;
    if (student.validation) student.validation = together(*student.validation);
    return next(together(labels), student);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Ensemble, "ensemble");

}  // namespace
}  // namespace w2s
