// Confident learning: finds labels that out-of-sample predictions contradict, by the estimated joint
// distribution of given and true labels.
#include <w2s/confidence.hpp>
#include <w2s/folds.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

enum class Action { prune, relabel };
constexpr auto enum_names(Action) { return std::array{"prune", "relabel"}; }

class ConfidentLearning final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t folds = 5;
    Action action = Action::prune;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Students of the other folds predict each fold; from their confident predictions the joint "
         "distribution of given and true labels is estimated, and for each pair of classes as many examples "
         "as it says, those with the widest margin, are pruned or relabelled. The student is fitted to the "
         "rest.")
        .formula("N · Q[given l, true j] examples labelled l with the largest p_j − p_l")
        .source("Northcutt et al. 2021, prune by noise rate");
    s.field("folds", &Params::folds, "parts; each is predicted by a student of the others").at_least(2);
    s.field("action", &Params::action, "what happens to an example whose label is doubted");
  }
  explicit ConfidentLearning(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it judges whole examples, not tokens" : "";
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const Tensor p = cross_predict(labels, spec, params_.folds, lab, next);
    const Tensor given = labels.targets.argmax(1);
    const Tensor joint = confident_joint(given, p).joint;
    std::vector<std::int64_t> best(static_cast<std::size_t>(labels.size()),
                                   -1);  // the class that a doubted label gives way to
    std::vector<float> margin(best.size(), 0);
    for (std::int64_t l = 0; l < labels.classes(); ++l) {
      const Tensor rows = given.eq(l).nonzero().squeeze(1);
      for (std::int64_t j = 0; j < labels.classes(); ++j) {
        const auto count = std::llround(joint[l][j].item<double>() * static_cast<double>(labels.size()));
        if (l == j || rows.numel() == 0) continue;
        const Tensor margins = p.index_select(0, rows).select(1, j) - p.index_select(0, rows).select(1, l);
        const auto [values, order] = margins.topk(std::min<std::int64_t>(count, rows.numel()));
        for (std::int64_t r = 0; r < values.numel(); ++r) {
          const auto row = static_cast<std::size_t>(rows[order[r]].item<std::int64_t>());
          const auto value = values[r].item<float>();
          if (best[row] >= 0 && value <= margin[row]) continue;
          best[row] = j;
          margin[row] = value;
        }
      }
    }
    std::vector<std::int64_t> trusted;
    Supervision cleaned = labels;
    cleaned.targets = labels.targets.clone();
    for (std::size_t i = 0; i < best.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      if (best[i] < 0 || params_.action == Action::relabel) trusted.push_back(row);
      if (best[i] >= 0)
        cleaned.targets[row] = at::zeros({labels.classes()}).index_fill(0, at::tensor(best[i]), 1);
    }
    lab.log("confident_learning: " +
            std::to_string(std::count_if(best.begin(), best.end(), [](auto j) { return j >= 0; })) + " of " +
            std::to_string(labels.size()) + " labels are doubted");
    return next(cleaned.select(trusted), spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(ConfidentLearning, "confident_learning");

}  // namespace
}  // namespace w2s
