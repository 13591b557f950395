// Reverse KL divergence: the student chooses where it agrees instead of covering all that the label allows.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class ReverseKl final : public ILoss {
 public:
  static void describe(Schema<NoParams>& s) {
    s.summary(
         "KL divergence of the label from the prediction: it is the student that weighs the classes, so an "
         "unsure label pulls little and a student that is sure of one of its classes is left alone.")
        .formula("Σ p (log p − log clamp(y, 1e-4, 1))")
        .source("Yao et al. 2025, arXiv 2502.11107");
  }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return (log_p.exp() * log_p).sum(-1) + reverse_cross_entropy(log_p, in.targets);
  }
  bool rowwise() const override { return true; }
};

W2S_LOSS(ReverseKl, "reverse_kl");

}  // namespace
}  // namespace w2s
