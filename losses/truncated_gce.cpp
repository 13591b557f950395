// Generalised cross entropy that gives up on labels the student finds unlikely.
#include <w2s/losses.hpp>

#include <cmath>

namespace w2s {
namespace {

class TruncatedGce final : public ILoss {
 public:
  struct Params {
    double q = 0.7;
    double k = 0.5;
    double warmup = 0.05;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Generalised cross entropy on the hard label, constant where the student gives that label at most "
         "k: but not in the warm-up, without which a head that starts at zero learns nothing where k is at "
         "least 1/C.")
        .formula("1[p_ŷ > k or s < warmup] · ((1 − p_ŷ^q)/q − (1 − k^q)/q), ŷ = hard y")
        .source("Zhang & Sabuncu 2018, section 3.3");
    s.field("q", &Params::q, "exponent: towards 0 cross entropy, at 1 mean absolute error")
        .above(0)
        .at_most(1);
    s.field("k", &Params::k, "truncation threshold").above(0).below(1);
    s.field("warmup", &Params::warmup, "fraction of training without truncation (the paper's: a third)")
        .in(0, 1);
  }
  explicit TruncatedGce(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const auto [q, k, warmup] = params_;
    const Tensor log_p = (log_probabilities(in.logits) * one_hot_argmax(in.targets)).sum(-1);
    const Tensor values = (std::pow(k, q) - (q * log_p).exp()) / q;
    if (in.step_fraction < warmup) return values;
    return values * (log_p.detach() > std::log(k)).to(log_p.scalar_type());
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(TruncatedGce, "truncated_gce");

}  // namespace
}  // namespace w2s
