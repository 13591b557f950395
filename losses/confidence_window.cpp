// Learn only where the student is not yet sure.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class ConfidenceWindow final : public ILoss {
 public:
  struct Params {
    double radius = 0.15;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Cross entropy where the student's largest probability is below ½ + radius, zero elsewhere.")
        .formula("1[max p < ½ + radius] · CE(z, y)")
        .source("EleutherAI/w2s, \"window\"");
    s.field("radius", &Params::radius, "half width of the window around ½").at_least(0);
  }
  explicit ConfidenceWindow(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor unsure = log_p.detach().amax(-1).exp() < 0.5 + params_.radius;
    return cross_entropy(log_p, in.targets) * unsure.to(log_p.scalar_type());
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(ConfidenceWindow, "confidence_window");

}  // namespace
}  // namespace w2s
