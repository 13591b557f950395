// Co-teaching: two students, each trained on the examples that the other finds easy.
#include <w2s/confidence.hpp>
#include <w2s/losses.hpp>
#include <w2s/small_losses.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

struct CoTeachingParams {
  std::optional<double> noise;
  double ramp = 0.05;
};

class ExchangeSmallLosses final : public StepRule {
 public:
  explicit ExchangeSmallLosses(const CoTeachingParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    if (!noise_) noise_ = params_.noise ? *params_.noise : expected_noise(training.labels());
    const std::int64_t keep = small_loss_count(static_cast<std::int64_t>(batch.size()),
                                               *noise_ * w2s::ramp(training.fraction(), params_.ramp));
    const Tensor targets = training.targets(batch), weights = training.weights(batch);
    Tensor losses[2], easy[2];
    for (const std::int64_t k : {0, 1}) {
      const Tensor logits = training.logits(k, batch);
      losses[k] = weights * training.losses(k, logits, targets, batch);
      easy[k] = smallest(hard_label_losses(logits, targets), keep);
    }
    return losses[0].index_select(0, easy[1]).mean() + losses[1].index_select(0, easy[0]).mean();
  }

 private:
  const CoTeachingParams params_;
  std::optional<double> noise_;  // follows from the labels
};

class CoTeaching final : public ISupervisionStrategy {
 public:
  using Params = CoTeachingParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains two students side by side; each takes its step on the share 1 − R of the batch to whose "
         "likeliest label the other gives the most probability. Their mean is the result.")
        .formula("R = noise · min(1, s / ramp), s the fraction of training done")
        .source("Han et al. 2018");
    s.field(
         "noise", &Params::noise,
         "share of wrong labels; left out: the mean of 1 − max y over the training labels, before they are "
         "hardened, as if they were calibrated. One-hot labels do not tell: then it must be given")
        .at_least(0)
        .below(1);
    s.field("ramp", &Params::ramp,
            "fraction of training in which R rises; the paper has 10 of 200 epochs, which is 0.05")
        .in(0, 1);
  }
  explicit CoTeaching(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it chooses whole examples, not tokens" : "";
  }
  std::int64_t members() const override { return 2; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    if (!params_.noise) lab.log("co_teaching: noise " + std::to_string(expected_noise(labels)));
    FitSpec pair = spec;
    pair.rule = StepPlan{spec_of<CoTeaching>(params_), 2,
                         [params = params_] { return std::make_unique<ExchangeSmallLosses>(params); }};
    return next(labels, pair);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(CoTeaching, "co_teaching");

}  // namespace
}  // namespace w2s
