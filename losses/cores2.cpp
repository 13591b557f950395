// CORES²: cross entropy less a share of what a random label would cost.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class Cores2 final : public ILoss {
 public:
  struct Params {
    double beta = 0.3;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy less β times that with a label drawn at random: the regulariser of CORES², which "
         "makes "
         "predictions confident so that wrong labels stand out. Not bounded below, so keep β under 1.")
        .formula("CE(z, y) − β mean_k(−log p_k)")
        .source("Cheng et al. 2021, without the sieve: 'divide_mix' and 'co_teaching' sort examples");
    s.field("beta", &Params::beta, "β: weight of the regulariser").at_least(0).below(1);
  }
  explicit Cores2(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return cross_entropy(log_p, in.targets) + params_.beta * log_p.mean(-1);
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(Cores2, "cores2");

}  // namespace
}  // namespace w2s
