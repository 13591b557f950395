// Active passive loss: a normalised loss plus one that also pushes wrong classes down.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

enum class Active { nce, nfl };
constexpr auto enum_names(Active) { return std::array{"nce", "nfl"}; }

enum class Passive { rce, mae };
constexpr auto enum_names(Passive) { return std::array{"rce", "mae"}; }

class ActivePassive final : public ILoss {
 public:
  struct Params {
    Active active = Active::nce;
    Passive passive = Passive::rce;
    double alpha = 1;
    double beta = 1;
    double gamma = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "A normalised active loss plus a passive one: robust, without the underfitting of either alone.")
        .formula(
            "α·active + β·passive; nce = CE / (−Σ_k log p_k); nfl = Σ y f / Σ_k f_k, f = −(1−p)^γ log p; "
            "rce = −Σ p log clamp(y, 1e-4, 1); mae = 1 − Σ y p")
        .source("Ma et al. 2020");
    s.field("active", &Params::active, "normalised cross entropy or normalised focal loss");
    s.field("passive", &Params::passive, "reverse cross entropy or mean absolute error");
    s.field("alpha", &Params::alpha, "weight of the active loss").at_least(0);
    s.field("beta", &Params::beta, "weight of the passive loss").at_least(0);
    s.field("gamma", &Params::gamma, "focal exponent, for active = \"nfl\"").at_least(0);
  }
  explicit ActivePassive(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor terms = params_.active == Active::nfl ? focal_terms(log_p, params_.gamma) : -log_p;
    const Tensor active = (in.targets * terms).sum(-1) / terms.sum(-1);
    const Tensor passive = params_.passive == Passive::mae ? 1 - (in.targets * log_p.exp()).sum(-1)
                                                           : reverse_cross_entropy(log_p, in.targets);
    return params_.alpha * active + params_.beta * passive;
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(ActivePassive, "active_passive");

}  // namespace
}  // namespace w2s
