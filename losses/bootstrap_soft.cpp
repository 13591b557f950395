// Soft bootstrapping: the label mixed with the prediction, gradient through both.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class BootstrapSoft final : public ILoss {
 public:
  struct Params {
    double beta = 0.95;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy with the label mixed with the student's soft prediction; the gradient flows through "
         "both.")
        .formula("CE(z, βy + (1−β)p)")
        .source("Reed et al. 2014");
    s.field("beta", &Params::beta, "weight of the label").in(0, 1);
  }
  explicit BootstrapSoft(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return cross_entropy(log_p, params_.beta * in.targets + (1 - params_.beta) * log_p.exp());
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(BootstrapSoft, "bootstrap_soft");

}  // namespace
}  // namespace w2s
