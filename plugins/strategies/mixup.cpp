// Mixup: the student learns from convex combinations of pairs of examples and of their labels.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

struct MixupParams {
  double alpha = 1;
};

class MixedBatch final : public StepRule {
 public:
  explicit MixedBatch(const MixupParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    Positions partners;
    for (const std::int64_t i : training.stream().permutation(static_cast<std::int64_t>(batch.size()))) {
      partners.push_back(batch[static_cast<std::size_t>(i)]);
    }
    const double share = training.stream().beta(params_.alpha, params_.alpha);
    const Tensor logits =
        training.mixed_logits(0, batch, partners, at::full({static_cast<std::int64_t>(batch.size())}, share));
    const Tensor targets = at::lerp(training.targets(partners), training.targets(batch), share);
    const Tensor weights = at::lerp(training.weights(partners), training.weights(batch), share);
    return (weights * training.losses(0, logits, targets, batch)).mean();
  }

 private:
  const MixupParams params_;
};

class Mixup final : public ISupervisionStrategy {
 public:
  using Params = MixupParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains on convex combinations of each batch with a permutation of itself: of dense inputs where "
         "the whole network trains, else of the features before the head.")
        .formula("x = λ x_a + (1 − λ) x_b, y = λ y_a + (1 − λ) y_b, λ ~ Beta(α, α) once a batch")
        .source("Zhang et al. 2018");
    s.field("alpha", &Params::alpha, "α: towards 0 nothing is mixed, 1 is uniform").above(0);
  }
  explicit Mixup(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it mixes whole examples, not the tokens of answers" : "";
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec mixed = spec;
    mixed.rule = StepPlan{spec_of<Mixup>(params_), 1,
                          [params = params_] { return std::make_unique<MixedBatch>(params); }};
    return next(labels, mixed);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Mixup, "mixup");

}  // namespace
}  // namespace w2s
