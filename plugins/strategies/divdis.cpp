// DivDis: several hypotheses that agree on the sure labels and differ elsewhere; a few true labels choose.
#include <w2s/confidence.hpp>
#include <w2s/losses.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>

namespace w2s {
namespace {

struct DivDisParams {
  std::int64_t heads = 2;
  double lambda = 10, balance = 10, keep = 0.5;
  std::int64_t labels = 50;
};

Tensor kl(const Tensor& p, const Tensor& q) {
  return (p * (p.clamp_min(1e-12).log() - q.clamp_min(1e-12).log())).sum();
}

class Diversify final : public StepRule {
 public:
  explicit Diversify(const DivDisParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    const Tensor targets = training.targets(batch);
    if (!sure_.defined()) {
      sure_ = at::zeros({training.labels().size()}, targets.options());
      sure_.index_fill_(
          0, at::tensor(surest_per_class(training.labels(), params_.keep), at::kLong).to(sure_.device()), 1);
      prior_ = training.labels().targets.mean(0).to(targets.device());
    }
    const Tensor sure = sure_.index_select(0, at::tensor(batch, at::kLong).to(sure_.device()));
    const Tensor open = (1 - sure).nonzero().squeeze(1), weights = sure * training.weights(batch);
    const auto heads = static_cast<double>(training.students());
    Tensor fit = at::zeros({}, targets.options()), shared = fit, balance = fit;  // means over heads and pairs
    std::vector<Tensor> guesses;
    for (std::int64_t k = 0; k < training.students(); ++k) {
      const Tensor logits = training.logits(k, batch);
      const Tensor losses = training.losses(k, logits, targets, batch);
      fit = fit + (weights * losses).sum() / sure.sum().clamp_min(1) / heads;
      guesses.push_back(logits.index_select(0, open).softmax(1));
    }
    if (open.numel() == 0) return fit;
    for (std::size_t a = 0; a < guesses.size(); ++a) {
      balance = balance + kl(guesses[a].mean(0), prior_) / heads;
      for (std::size_t b = 0; b < a; ++b) {
        const Tensor joint = guesses[a].t().matmul(guesses[b]) / static_cast<double>(open.numel());
        shared = shared + kl(joint, joint.sum(1, true) * joint.sum(0, true)) / (heads * (heads - 1) / 2);
      }
    }
    return fit + params_.lambda * shared + params_.balance * balance;
  }

 private:
  const DivDisParams params_;
  Tensor sure_, prior_;
};

class DivDis final : public ISupervisionStrategy {
 public:
  using Params = DivDisParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits several students at once: all to the surest labels of each class, while on the other "
         "examples, taken as unlabelled, their predictions share as little information as they can. The one "
         "that is best on a few true labels of the supervisor half is the result. Students share a backbone "
         "where only heads train. Early stopping plays no part: heads that are to differ from the weak "
         "labels "
         "are not to be chosen by agreement with them.")
        .formula("mean_a CE + λ mean_{a<b} I(ŷ_a; ŷ_b) + balance · mean_a KL(mean p ‖ prior)")
        .source("Lee et al. 2022");
    s.field("heads", &Params::heads, "hypotheses").at_least(2);
    s.field("lambda", &Params::lambda, "λ: weight of the mutual information").at_least(0);
    s.field("balance", &Params::balance, "weight of the pull of the mean prediction to the mean label")
        .at_least(0);
    s.field("keep", &Params::keep, "fraction of each class that is labelled: the surest").above(0).below(1);
    s.field("labels", &Params::labels, "true labels that choose, from the supervisor half").at_least(1);
  }
  explicit DivDis(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it compares whole examples, not tokens" : "";
  }
  Truth reads_truth() const override { return Truth::supervisor_half; }

  void check(const StrategyContext& context) const override {
    if (context.labels_from_outside) {
      throw UsageError(
          "strategy 'divdis' chooses its head by true labels of the weak model's half, and here the "
          "labels come from outside ([supervisor])");
    }
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    require_graded(labels, "divdis");
    FitSpec several = spec;
    if (spec.train.early_stopping) {
      lab.log("divdis: trains to the end, for early stopping would choose by agreement with the weak labels");
      several.train.early_stopping = false;
    }
    several.rule = StepPlan{spec_of<DivDis>(params_), params_.heads,
                            [params = params_] { return std::make_unique<Diversify>(params); }};
    const Student all = next(labels, several);
    const Examples& known = lab.supervisor_fit().labels.examples;
    auto drawn = lab.stream("divdis").permutation(known.size());
    drawn.resize(std::min(drawn.size(), static_cast<std::size_t>(params_.labels)));
    const Examples few = known.select(drawn);

    Student best;
    std::int64_t most = -1;
    for (const std::string& member : all.members()) {
      const Student one(member);
      const auto right = lab.predict(one, few).argmax(1).eq(few.labels()).sum().item<std::int64_t>();
      lab.log("divdis: a head is right on " + std::to_string(right) + " of " + std::to_string(few.size()));
      if (right <= most) continue;
      most = right;
      best = one;
    }
    return best;
  }

 private:
  const Params params_;
};

W2S_STRATEGY(DivDis, "divdis");

}  // namespace
}  // namespace w2s
