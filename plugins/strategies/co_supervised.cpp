// Co-supervised learning: specialist supervisors, each example taught by the one that the student trusts
// most.
#include <w2s/neighbors.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class CoSupervised final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t specialists = 3, rounds = 1;
    double elsewhere = 0.1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Clusters the supervisor half in the student's features and fits one supervisor to each cluster, "
         "the other examples counting little. A first student learns from their mean; then each example is "
         "given to the specialist whose likeliest class both it and the student hold likeliest, examples on "
         "which the two still disagree are left out, and the student is fitted again. It replaces the "
         "labels that it is given, so it stands first in a chain.")
        .formula("specialist of i: the k with the largest p_i[c_k] max y_k, c_k = argmax y_k")
        .source("Liu & Alahi 2024 (CSL)");
    s.field("specialists", &Params::specialists, "supervisors and clusters").at_least(2);
    s.field("rounds", &Params::rounds, "how often examples are assigned anew").at_least(1);
    s.field("elsewhere", &Params::elsewhere, "weight of the examples outside a specialist's cluster")
        .in(0, 1);
  }
  explicit CoSupervised(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::classification ? "" : "it needs one feature vector per example";
  }
  Truth reads_truth() const override { return Truth::supervisor_half; }

  void check(const StrategyContext& context) const override {
    if (context.labels_from_outside) {
      throw UsageError(
          "strategy 'co_supervised' fits specialists like the supervisor, and here the labels come "
          "from outside ([supervisor])");
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const SupervisorFit& lesson = lab.supervisor_fit();
    // Kept under the features: the model's name may come to stand for other weights.
    const Tensor x = lab.features(spec.model, lesson.labels.examples);
    const Tensor cluster =
        lab.once(spec_of<CoSupervised>(params_), digest(x) + lesson.labels.digest(),
                 [&] {
                   const Tensor centers = k_means(x, params_.specialists, lab.stream("co_supervised"));
                   return std::map<std::string, Tensor>{{"cluster", nearest_center(x, centers)}};
                 })
            .at("cluster");

    std::vector<Tensor> says, says_validation;  // [N, C] of each specialist
    for (std::int64_t k = 0; k < params_.specialists; ++k) {
      Supervision own = lesson.labels;
      own.weights = at::where(cluster.eq(k), own.weights, own.weights * params_.elsewhere);
      const Student specialist = lab.fit(own, lesson.spec);
      says.push_back(lab.predict(specialist, labels.examples));
      if (spec.validation) says_validation.push_back(lab.predict(specialist, spec.validation->examples));
    }
    FitSpec current = spec;
    Supervision taught = labels;
    taught.targets = at::stack(says).mean(0);
    if (current.validation) current.validation->targets = at::stack(says_validation).mean(0);
    Student student = next(taught, current);
    for (std::int64_t round = 0; round < params_.rounds; ++round) {
      const Tensor p = lab.predict(student, labels.examples);
      taught.targets = most_trusted(says, p);
      if (current.validation) {
        current.validation->targets =
            most_trusted(says_validation, lab.predict(student, current.validation->examples));
      }
      const Tensor agreed = taught.targets.argmax(1).eq(p.argmax(1)).nonzero().squeeze(1).contiguous();
      if (agreed.numel() == 0) break;
      const auto* rows = agreed.data_ptr<std::int64_t>();
      lab.log("co_supervised: " + std::to_string(agreed.numel()) + " of " + std::to_string(labels.size()) +
              " examples agree with their specialist");
      student = next(taught.select({rows, rows + agreed.numel()}), current);
    }
    return student;
  }

 private:
  // The labels [N, C] of the specialist whose likeliest class both it and p hold likeliest.
  static Tensor most_trusted(const std::vector<Tensor>& says, const Tensor& p) {
    std::vector<Tensor> trust;
    for (const Tensor& labels : says)
      trust.push_back(p.gather(1, labels.argmax(1, true)).squeeze(1) * labels.amax(1));
    const Tensor chosen = at::stack(trust).argmax(0);
    const Tensor all = at::stack(says);
    return all.gather(0, chosen.view({1, -1, 1}).expand({1, p.size(0), p.size(1)})).squeeze(0).contiguous();
  }

  const Params params_;
};

W2S_STRATEGY(CoSupervised, "co_supervised");

}  // namespace
}  // namespace w2s
