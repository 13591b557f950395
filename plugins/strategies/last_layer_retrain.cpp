// Deep feature reweighting: the fitted student gets a new last layer from a small, group-balanced set.
#include <w2s/digest.hpp>
#include <w2s/folds.hpp>
#include <w2s/logistic.hpp>

#include <algorithm>
#include <map>

namespace w2s {
namespace {

using Groups = std::vector<std::vector<std::int64_t>>;

// Worst share of right answers over the groups.
double worst_group(const LinearClassifier& head, const Tensor& x, const Tensor& y, const Groups& groups) {
  const Tensor right = at::linear(x, head.weight, head.bias).argmax(1).eq(y).to(at::kDouble);
  double worst = 1;
  for (const auto& rows : groups) {
    if (rows.empty()) continue;
    worst = std::min(worst, right.index_select(0, at::tensor(rows, at::kLong)).mean().item<double>());
  }
  return worst;
}

// `size` random members of each group.
Tensor balanced(const Groups& groups, std::size_t size, Stream& stream) {
  std::vector<std::int64_t> rows;
  for (const auto& group : groups) {
    const auto order = stream.permutation(static_cast<std::int64_t>(group.size()));
    for (std::size_t i = 0; i < size; ++i) rows.push_back(group[static_cast<std::size_t>(order[i])]);
  }
  return at::tensor(rows, at::kLong);
}

std::size_t smallest(const Groups& groups) {
  std::size_t size = groups[0].size();
  for (const auto& group : groups) size = std::min(size, group.size());
  return size;
}

class LastLayerRetrain final : public ISupervisionStrategy {
 public:
  struct Params {
    std::vector<double> c = {1, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01};
    std::int64_t refits = 20, group_size = 200, folds = 5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "After fitting, replaces the head by the mean of L1 logistic regressions on standardised features "
         "of group-balanced examples of the supervisor half. A group is a true class with the label that "
         "supervisors of the other folds of that half give: where they are wrong counts as much as where "
         "they "
         "are right, and what one has memorised does not count as right. This reads true labels.")
        .source("Kirichenko et al. 2022 (DFR)");
    s.field("c", &Params::c, "inverse penalties that are tried; half of the set chooses by its worst group")
        .above(0);
    s.field("refits", &Params::refits, "regressions on other balanced subsets, whose mean is taken")
        .at_least(1);
    s.field("group_size", &Params::group_size, "true labels of one group, at most").at_least(4);
    s.field("folds", &Params::folds,
            "parts of the supervisor half; each is labelled by a supervisor of the others")
        .at_least(2);
  }
  explicit LastLayerRetrain(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::classification ? "" : "it needs one feature vector per example";
  }
  Truth reads_truth() const override { return Truth::supervisor_half; }

  void check(const StrategyContext& context) const override {
    if (params_.c.empty()) throw UsageError("last_layer_retrain: c names no penalty to try");
    if (context.labels_from_outside) {
      throw UsageError(
          "strategy 'last_layer_retrain' balances groups of the weak model's half by its predictions, "
          "and here the labels come from outside ([supervisor])");
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const Student student = next(labels, spec);
    if (student.members().size() != 1) {
      throw UsageError("last_layer_retrain refits the head of one student; the strategies after it give " +
                       std::to_string(student.members().size()));
    }
    const SupervisorFit& lesson = lab.supervisor_fit();
    const Next fit = [&](const Supervision& part, const FitSpec& weak) { return lab.fit(part, weak); };
    const Tensor given = cross_predict(lesson.labels, lesson.spec, params_.folds, lab, fit).argmax(1);
    const std::string inputs = student.members()[0] + digest(given) + lesson.labels.digest();
    const auto head = lab.once(spec_of<LastLayerRetrain>(params_), inputs,
                               [&] { return retrain(student, lesson.labels, given, lab); });
    return lab.with_head(student, head.at("weight"), head.at("bias"));
  }

 private:
  // `given`: int64 [N], what the label of each true one is in weak hands.
  std::map<std::string, Tensor> retrain(const Student& student, const Supervision& truth, const Tensor& given,
                                        Lab& lab) const {
    Stream stream = lab.stream("last_layer_retrain");
    const std::int64_t classes = truth.classes();
    const Tensor all = truth.examples.labels();
    Groups members(static_cast<std::size_t>(classes * classes));
    for (const std::int64_t i : stream.permutation(truth.size())) {
      auto& group = members[static_cast<std::size_t>((all[i] * classes + given[i]).item<std::int64_t>())];
      if (group.size() < static_cast<std::size_t>(params_.group_size)) group.push_back(i);
    }
    std::vector<std::int64_t> rows;
    Groups whole, fitted, chosen;  // positions within rows; the last two are halves
    for (const auto& group : members) {
      if (group.size() < 4) continue;  // too few to stand for anything
      whole.emplace_back(), fitted.emplace_back(), chosen.emplace_back();
      for (std::size_t i = 0; i < group.size(); ++i) {
        const auto position = static_cast<std::int64_t>(rows.size());
        whole.back().push_back(position);
        (i % 2 == 0 ? fitted : chosen).back().push_back(position);
        rows.push_back(group[i]);
      }
    }
    if (whole.empty()) throw UsageError("last_layer_retrain: the supervisor half has no group of 4 examples");
    const Examples examples = truth.examples.select(rows);
    const Tensor raw = lab.features(student, examples), y = examples.labels();
    const Tensor mean = raw.mean(0), deviation = raw.std(0, /*unbiased=*/false);
    const Tensor sd = at::where(deviation > 1e-8, deviation, at::ones_like(deviation));
    const Tensor x = (raw - mean) / sd;
    const auto fit = [&](const Groups& groups, double c) {
      const Tensor drawn = balanced(groups, smallest(groups), stream);
      return l1_logistic_regression(x.index_select(0, drawn), y.index_select(0, drawn), classes, c);
    };
    double best_c = params_.c[0], best = -1;
    for (const double c : params_.c) {
      const double worst = worst_group(fit(fitted, c), x, y, chosen);
      if (worst > best) best = worst, best_c = c;
    }
    Tensor weight = at::zeros({classes, x.size(1)}), bias = at::zeros({classes});
    for (std::int64_t i = 0; i < params_.refits; ++i) {
      const LinearClassifier head = fit(whole, best_c);
      weight += head.weight / static_cast<double>(params_.refits);
      bias += head.bias / static_cast<double>(params_.refits);
    }
    lab.log("last_layer_retrain: " + std::to_string(whole.size()) + " groups of " +
            std::to_string(smallest(whole)) + " examples, worst group " + std::to_string(best));
    weight = weight / sd;
    return {{"weight", weight}, {"bias", bias - weight.matmul(mean)}};
  }

  const Params params_;
};

W2S_STRATEGY(LastLayerRetrain, "last_layer_retrain");

}  // namespace
}  // namespace w2s
