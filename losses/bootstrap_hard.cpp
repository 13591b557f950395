// Hard bootstrapping: the label mixed with the hardened prediction.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class BootstrapHard final : public ILoss {
 public:
  struct Params {
    double beta = 0.8;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Cross entropy with the label mixed with the student's hardened prediction.")
        .formula("CE(z, βy + (1−β) hard p)")
        .source("Reed et al. 2014");
    s.field("beta", &Params::beta, "weight of the label").in(0, 1);
  }
  explicit BootstrapHard(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return cross_entropy(log_p, params_.beta * in.targets + (1 - params_.beta) * one_hot_argmax(log_p));
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(BootstrapHard, "bootstrap_hard");

}  // namespace
}  // namespace w2s
