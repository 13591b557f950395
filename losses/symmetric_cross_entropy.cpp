// Symmetric cross entropy: cross entropy plus its reverse.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class SymmetricCrossEntropy final : public ILoss {
 public:
  struct Params {
    double alpha = 0.1;
    double beta = 1;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Cross entropy plus reverse cross entropy, which is robust to label noise.")
        .formula("α CE + β RCE, RCE = −Σ p log clamp(y, 1e-4, 1)")
        .source("Wang et al. 2019");
    s.field("alpha", &Params::alpha, "weight of the cross entropy").at_least(0);
    s.field("beta", &Params::beta, "weight of the reverse cross entropy").at_least(0);
  }
  explicit SymmetricCrossEntropy(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return params_.alpha * cross_entropy(log_p, in.targets) +
           params_.beta * reverse_cross_entropy(log_p, in.targets);
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(SymmetricCrossEntropy, "symmetric_cross_entropy");

}  // namespace
}  // namespace w2s
