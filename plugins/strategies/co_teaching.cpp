// Co-teaching: two students, each trained on the examples that the other finds easy.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

struct CoTeachingParams {
  std::optional<double> noise;
  std::int64_t ramp = 10;
};

class ExchangeSmallLosses final : public StepRule {
 public:
  explicit ExchangeSmallLosses(const CoTeachingParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    const double noise = params_.noise ? *params_.noise : expected_noise(training.labels());
    const std::int64_t keep =
        small_loss_count(static_cast<std::int64_t>(batch.size()), noise, training.epoch(), params_.ramp);
    const Tensor targets = training.targets(batch), weights = training.weights(batch);
    Tensor losses[2], easy[2];
    for (const std::int64_t k : {0, 1}) {
      losses[k] = training.losses(k, training.logits(k, batch), targets, batch);
      easy[k] = std::get<1>(losses[k].detach().topk(keep, 0, /*largest=*/false));
    }
    const auto taught = [&](int pupil, int teacher) {
      return (weights * losses[pupil]).index_select(0, easy[teacher]).mean();
    };
    return taught(0, 1) + taught(1, 0);
  }

 private:
  const CoTeachingParams params_;
};

class CoTeaching final : public ISupervisionStrategy {
 public:
  using Params = CoTeachingParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains two students side by side; each takes its step on the share 1 − R of the batch on which "
         "the other's loss is smallest. Their mean is the result.")
        .formula("R = noise · min(1, epoch / ramp)")
        .source("Han et al. 2018");
    s.field(
         "noise", &Params::noise,
         "share of wrong labels; left out: the mean of 1 − max y over the training labels, as if they were "
         "calibrated")
        .at_least(0)
        .below(1);
    s.field("ramp", &Params::ramp, "epochs in which R rises").at_least(1);
  }
  explicit CoTeaching(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it chooses whole examples, not tokens" : "";
  }
  std::int64_t members() const override { return 2; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
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
