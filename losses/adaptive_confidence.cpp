// Adaptive confidence: trust whichever of student and supervisor fits better.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class AdaptiveConfidence final : public ILoss {
 public:
  struct Params {
    double tau = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Per example, weighs the label against the student's own hard prediction by how far the student is "
         "from either.")
        .formula("(1−a) KL(y‖p) + a CE(z, hard p), a = stop σ((CE(z, hard p) − CE(z, hard y)) / τ)")
        .source("Guo et al. 2024, vision superalignment (AdaptConf)");
    s.field("tau", &Params::tau, "temperature: small values decide sharply").above(0);
  }
  explicit AdaptiveConfidence(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor own = cross_entropy(log_p, one_hot_argmax(log_p));
    const Tensor taught = cross_entropy(log_p, one_hot_argmax(in.targets));
    const Tensor a = at::sigmoid((own - taught).detach() / params_.tau);
    return (1 - a) * kl_divergence(in.targets, log_p) + a * own;
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(AdaptiveConfidence, "adaptive_confidence");

}  // namespace
}  // namespace w2s
