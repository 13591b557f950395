// f-divergences of the prediction from the label.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

enum class Divergence { hellinger, chi2, jeffreys, js, total_variation, alpha };
constexpr auto enum_names(Divergence) {
  return std::array{"hellinger", "chi2", "jeffreys", "js", "total_variation", "alpha"};
}

class FDivergence final : public ILoss {
 public:
  struct Params {
    Divergence kind = Divergence::hellinger;
    double alpha = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "An f-divergence between prediction and label, with q = clamp(y, 1e-4, 1) where its formula divides "
         "by "
         "it or takes its logarithm.")
        .formula(
            "hellinger ½ Σ (√p − √y)²; chi2 Σ (p − q)²/q; jeffreys Σ (p − q)(log p − log q); js ½ KL(p‖m) + "
            "½ KL(y‖m), m = (p + y)/2; total_variation ½ Σ |p − y|; alpha (Σ p^α q^(1−α) − 1)/(α(α − 1))")
        .source("Yao et al. 2025, arXiv 2506.03109");
    s.field("kind", &Params::kind, "the divergence");
    s.field("alpha", &Params::alpha, "kind = \"alpha\": α, other than 0 and 1").above(0);
  }
  explicit FDivergence(const Params& params) : params_(params) {
    if (params.kind == Divergence::alpha && params.alpha == 1)
      throw UsageError("loss 'f_divergence': alpha = 1 is reverse_kl, and the formula divides by 0 there");
  }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits), p = log_p.exp();
    const Tensor y = in.targets.to(p.scalar_type()), q = y.clamp(1e-4, 1);
    switch (params_.kind) {
      case Divergence::hellinger:
        return ((log_p / 2).exp() - y.sqrt()).pow(2).sum(-1) / 2;
      case Divergence::chi2:
        return ((p - q).pow(2) / q).sum(-1);
      case Divergence::jeffreys:
        return ((p - q) * (log_p - q.log())).sum(-1);
      case Divergence::total_variation:
        return (p - y).abs().sum(-1) / 2;
      case Divergence::alpha:
        return (((params_.alpha * log_p).exp() * q.pow(1 - params_.alpha)).sum(-1) - 1) /
               (params_.alpha * (params_.alpha - 1));
      case Divergence::js:
        break;
    }
    const Tensor log_m = ((p + y) / 2).clamp_min(1e-30).log();
    return ((p * (log_p - log_m)).sum(-1) + kl_divergence(y, log_m)) / 2;
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(FDivergence, "f_divergence");

}  // namespace
}  // namespace w2s
