// The confidence loss as the reference code computes it, jump of its warm-up included.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class LogConfidence final : public ILoss {
 public:
  struct Params {
    double aux_coef = 0.5;
    double warmup_frac = 0.1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Auxiliary confidence exactly as the public reference code has it: the coefficient is aux_coef·s "
         "during "
         "the warm-up and then jumps to aux_coef; but a batch of one row takes its likeliest class. Binary "
         "only; for "
         "new work use aux_confidence.")
        .formula(
            "CE(z, (1−k) y + k h), h = [p₀ ≥ t, p₀ < t], t = quantile(p₀, mean y₁), "
            "k = aux_coef · (s if s ≤ warmup_frac else 1)")
        .source("openai/weak-to-strong, logconf_loss_fn")
        .uses_batch_statistics();
    s.field("aux_coef", &Params::aux_coef, "weight of the student's own predictions after the warm-up")
        .in(0, 1);
    s.field("warmup_frac", &Params::warmup_frac, "fraction of training with the small coefficient").in(0, 1);
  }
  explicit LogConfidence(const Params& params) : params_(params) {}

  void check(const LossContext& context) const override {
    if (context.kind == TaskKind::generation) {
      throw UsageError(
          "loss 'logconf' is binary only and the classes of a generation task are the tokens of a "
          "vocabulary; "
          "'aux_confidence' serves any number");
    }
    if (context.classes != 2) {
      throw UsageError("loss 'logconf' is binary only and the task has " + std::to_string(context.classes) +
                       " classes; 'aux_confidence' serves any number");
    }
  }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const double s = in.step_fraction;
    const double k = params_.aux_coef * (s <= params_.warmup_frac ? s : 1.0);
    const Tensor p0 = log_p.detach().select(1, 0).exp();
    // Of one row the reference code makes class 0 whatever the row says: its likeliest class instead.
    const Tensor threshold =
        p0.numel() == 1 ? at::full_like(p0, 0.5) : quantile_linear(p0, in.targets.select(1, 1).mean());
    const Tensor first = (p0 >= threshold).to(log_p.scalar_type());
    return cross_entropy(log_p, (1 - k) * in.targets + k * at::stack({first, 1 - first}, 1));
  }

 private:
  const Params params_;
};

W2S_LOSS(LogConfidence, "logconf");

}  // namespace
}  // namespace w2s
