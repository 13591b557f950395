// Auxiliary confidence with soft instead of hardened predictions.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class SoftConfidence final : public ILoss {
 public:
  struct Params {
    double alpha_max = 0.5;
    double warmup = 0.2;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy with the label mixed with the student's own soft prediction, which counts as "
         "constant.")
        .formula("CE(z, (1−α) y + α stop p), α = alpha_max · min(1, s/warmup)")
        .source("EleutherAI/w2s, \"entropy\"");
    s.field("alpha_max", &Params::alpha_max, "final weight of the student's own predictions").in(0, 1);
    s.field("warmup", &Params::warmup, "fraction of training over which α rises from 0").in(0, 1);
  }
  explicit SoftConfidence(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const double alpha = params_.alpha_max * ramp(in.step_fraction, params_.warmup);
    return cross_entropy(log_p, (1 - alpha) * in.targets + alpha * log_p.detach().exp());
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(SoftConfidence, "soft_confidence");

}  // namespace
}  // namespace w2s
