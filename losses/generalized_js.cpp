// Generalised Jensen-Shannon divergence between label and prediction.
#include <w2s/losses.hpp>

#include <cmath>

namespace w2s {
namespace {

class GeneralizedJensenShannon final : public ILoss {
 public:
  struct Params {
    double pi = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Generalised Jensen-Shannon divergence: towards π = 0 cross entropy, towards 1 mean absolute error.")
        .formula("(π KL(y‖m) + (1−π) KL(p‖m)) / (−(1−π) log(1−π)), m = πy + (1−π)p")
        .source("Englesson & Azizpour 2021");
    s.field("pi", &Params::pi, "weight of the label in the mixture").above(0).below(1);
  }
  explicit GeneralizedJensenShannon(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const double pi = params_.pi;
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor p = log_p.exp();
    const Tensor log_m = (pi * in.targets + (1 - pi) * p).clamp_min(1e-30).log();
    const Tensor from_student = (p * (log_p - log_m)).sum(-1);
    return (pi * kl_divergence(in.targets, log_m) + (1 - pi) * from_student) / (-(1 - pi) * std::log1p(-pi));
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(GeneralizedJensenShannon, "generalized_js");

}  // namespace
}  // namespace w2s
