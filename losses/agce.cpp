// Asymmetric generalised cross entropy: steep only where the student believes the label already.
#include <w2s/losses.hpp>

#include <cmath>

namespace w2s {
namespace {

class AsymmetricGce final : public ILoss {
 public:
  struct Params {
    double a = 0.6, q = 0.6;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Asymmetric generalised cross entropy: an asymmetric loss, robust while right labels prevail.")
        .formula("Σ y ((a + 1)^q − (a + p)^q) / q")
        .source("Zhou et al. 2021");
    s.field("a", &Params::a, "a: the larger, the less a likely label counts for more").above(0);
    s.field("q", &Params::q, "exponent").above(0);
  }
  explicit AsymmetricGce(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor p = log_probabilities(in.logits).exp();
    return (in.targets * (std::pow(params_.a + 1, params_.q) - (params_.a + p).pow(params_.q))).sum(-1) /
           params_.q;
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(AsymmetricGce, "agce");

}  // namespace
}  // namespace w2s
