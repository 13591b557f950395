// Mean absolute error between label and prediction, up to a factor of 2 for hard labels.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class MeanAbsoluteError final : public ILoss {
 public:
  static void describe(Schema<NoParams>& s) {
    s.summary("Mean absolute error (unhinged) loss: bounded, robust to symmetric label noise, slow to fit.")
        .formula("1 − Σ y p")
        .source("Ghosh et al. 2017");
  }

  Tensor forward(const LossInput& in) override {
    return 1 - (in.targets * log_probabilities(in.logits).exp()).sum(-1);
  }
  bool rowwise() const override { return true; }
};

W2S_LOSS(MeanAbsoluteError, "mae");

}  // namespace
}  // namespace w2s
