// Generalised cross entropy: between cross entropy and mean absolute error.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class GeneralizedCrossEntropy final : public ILoss {
 public:
  struct Params {
    double q = 0.7;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Generalised cross entropy: doubtful labels pull less than in cross entropy.")
        .formula("Σ y (1 − p^q)/q")
        .source("Zhang & Sabuncu 2018");
    s.field("q", &Params::q, "exponent: towards 0 cross entropy, at 1 mean absolute error")
        .above(0)
        .at_most(1);
  }
  explicit GeneralizedCrossEntropy(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor power = (params_.q * log_probabilities(in.logits)).exp();
    return (in.targets * (1 - power)).sum(-1) / params_.q;
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(GeneralizedCrossEntropy, "gce");

}  // namespace
}  // namespace w2s
