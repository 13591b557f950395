// LogitClip: cross entropy of logits whose norm is bounded, and with it the loss.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class LogitClip final : public ILoss {
 public:
  struct Params {
    double delta = 2;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy after logit vectors longer than δ were shortened to δ: no label can cost more than "
         "about √2 δ above the least, so wrong ones are not memorised.")
        .formula("CE(z · min(1, δ / ‖z‖), y)")
        .source("Wei et al. 2023");
    s.field("delta", &Params::delta, "δ: the longest that logits may be; the source's τ is 1/δ").above(0);
  }
  explicit LogitClip(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const auto type = c10::promoteTypes(in.logits.scalar_type(), at::kFloat);
    const Tensor z = in.logits.to(type);
    // The floor keeps the gradient finite where z is 0; it plays no part, for δ is longer.
    const Tensor norm = z.pow(2).sum(-1, true).clamp_min(1e-12).sqrt();
    return cross_entropy(log_probabilities(z * (params_.delta / norm).clamp_max(1)), in.targets);
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(LogitClip, "logit_clip");

}  // namespace
}  // namespace w2s
