// Co-teaching+: two students exchange the easy examples among those on which they disagree.
#include <w2s/confidence.hpp>
#include <w2s/losses.hpp>
#include <w2s/small_losses.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

struct CoTeachingPlusParams {
  std::optional<double> noise;
  double ramp = 0.05;
  double warmup = 0.1;
};

class ExchangeDisagreements final : public StepRule {
 public:
  explicit ExchangeDisagreements(const CoTeachingPlusParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    if (!noise_) noise_ = params_.noise ? *params_.noise : expected_noise(training.labels());
    const double left_out = *noise_ * w2s::ramp(training.fraction(), params_.ramp);
    const Tensor targets = training.targets(batch), weights = training.weights(batch);
    Tensor losses[2], choices[2], hardness[2];
    for (const std::int64_t k : {0, 1}) {
      const Tensor logits = training.logits(k, batch);
      choices[k] = logits.detach().argmax(1);
      hardness[k] = hard_label_losses(logits, targets);
      losses[k] = weights * training.losses(k, logits, targets, batch);
    }
    const auto size = static_cast<std::int64_t>(batch.size());
    if (training.fraction() < params_.warmup) {
      const std::int64_t keep = small_loss_count(size, left_out);
      return losses[0].index_select(0, smallest(hardness[1], keep)).mean() +
             losses[1].index_select(0, smallest(hardness[0], keep)).mean();
    }
    const Tensor differ = choices[0].ne(choices[1]).nonzero().squeeze(1);
    if (differ.numel() == 0) return losses[0].mean() + losses[1].mean();
    const std::int64_t keep = small_loss_count(differ.numel(), left_out);
    const auto easy = [&](const Tensor& hard) {
      return differ.index_select(0, smallest(hard.index_select(0, differ), keep));
    };
    // Of the whole batch: few disputed examples make a small step.
    return (losses[0].index_select(0, easy(hardness[1])).sum() +
            losses[1].index_select(0, easy(hardness[0])).sum()) /
           static_cast<double>(size);
  }

 private:
  const CoTeachingPlusParams params_;
  std::optional<double> noise_;  // follows from the labels
};

class CoTeachingPlus final : public ISupervisionStrategy {
 public:
  using Params = CoTeachingPlusParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains two students side by side; after a warm-up by co-teaching, each takes its steps on those "
         "examples of the other's smallest losses, by the likeliest label, on which the two disagree (on the "
         "whole batch where they agree on all). Their mean is the result.")
        .formula("kept of the disputed: 1 − noise · min(1, s / ramp), s the fraction of training done")
        .source("Yu et al. 2019");
    s.field(
         "noise", &Params::noise,
         "share of wrong labels; left out: the mean of 1 − max y over the training labels, before they are "
         "hardened, as if they were calibrated. One-hot labels do not tell: then it must be given")
        .at_least(0)
        .below(1);
    s.field(
         "ramp", &Params::ramp,
         "fraction of training in which the share that is left out rises; the authors have 10 of 200 epochs")
        .in(0, 1);
    s.field("warmup", &Params::warmup,
            "fraction of training that is co-teaching; the authors have 20 of 200 epochs")
        .in(0, 1);
  }
  explicit CoTeachingPlus(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it chooses whole examples, not tokens" : "";
  }
  std::int64_t members() const override { return 2; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    if (!params_.noise) lab.log("co_teaching_plus: noise " + std::to_string(expected_noise(labels)));
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
