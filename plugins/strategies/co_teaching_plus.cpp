// Co-teaching+: two students exchange the easy examples among those on which they disagree.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

#include <cmath>

namespace w2s {
namespace {

struct CoTeachingPlusParams {
  std::optional<double> noise;
  std::int64_t ramp = 10;
  double warmup = 0.1;
};

class ExchangeDisagreements final : public StepRule {
 public:
  explicit ExchangeDisagreements(const CoTeachingPlusParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    const Tensor targets = training.targets(batch), weights = training.weights(batch);
    Tensor losses[2], choices[2], easy[2];
    for (const std::int64_t k : {0, 1}) {
      const Tensor logits = training.logits(k, batch);
      choices[k] = logits.detach().argmax(1);
      losses[k] = weights * training.losses(k, logits, targets, batch);
    }
    const auto warmup = std::ceil(params_.warmup * static_cast<double>(training.epochs()));
    Tensor differ = choices[0].ne(choices[1]).nonzero().squeeze(1);
    if (static_cast<double>(training.epoch()) < warmup || differ.numel() == 0)
      return losses[0].mean() + losses[1].mean();

    const double noise = params_.noise ? *params_.noise : expected_noise(training.labels());
    const std::int64_t keep = small_loss_count(differ.numel(), noise, training.epoch(), params_.ramp);
    for (const std::int64_t k : {0, 1}) {
      const Tensor disputed = losses[k].detach().index_select(0, differ);
      easy[k] = differ.index_select(0, std::get<1>(disputed.topk(keep, 0, /*largest=*/false)));
    }
    // Of the whole batch, as in the paper's step size: few disputed examples make a small step.
    return (losses[0].index_select(0, easy[1]).sum() + losses[1].index_select(0, easy[0]).sum()) /
           static_cast<double>(batch.size());
  }

 private:
  const CoTeachingPlusParams params_;
};

class CoTeachingPlus final : public ISupervisionStrategy {
 public:
  using Params = CoTeachingPlusParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains two students side by side; after a warm-up on everything, each takes its steps on those "
         "examples of the other's smallest losses on which the two disagree (on the whole batch where they "
         "agree on all). Their mean is the result.")
        .formula("kept of the disputed: 1 − noise · min(1, epoch / ramp)")
        .source("Yu et al. 2019");
    s.field(
         "noise", &Params::noise,
         "share of wrong labels; left out: the mean of 1 − max y over the training labels, as if they were "
         "calibrated")
        .at_least(0)
        .below(1);
    s.field("ramp", &Params::ramp, "epochs in which the share that is left out rises").at_least(1);
    s.field("warmup", &Params::warmup, "fraction of the epochs, rounded up, on all examples").in(0, 1);
  }
  explicit CoTeachingPlus(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it chooses whole examples, not tokens" : "";
  }
  std::int64_t members() const override { return 2; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec pair = spec;
    pair.rule = StepPlan{spec_of<CoTeachingPlus>(params_), 2,
                         [params = params_] { return std::make_unique<ExchangeDisagreements>(params); }};
    return next(labels, pair);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(CoTeachingPlus, "co_teaching_plus");

}  // namespace
}  // namespace w2s
