// The paper's auxiliary confidence loss.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

enum class Prior { weak_labels, half };
constexpr auto enum_names(Prior) { return std::array{"weak_labels", "half"}; }

class AuxiliaryConfidence final : public ILoss {
 public:
  struct Params {
    double alpha_max = 0.5;
    double warmup = 0.2;
    Prior prior = Prior::weak_labels;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy mixed with the student's own hardened predictions; with two classes the threshold "
         "keeps the prior share of positives in the batch, and a batch of one row takes its likeliest class.")
        .formula("(1−α) CE(z, y) + α CE(z, stop f̂), α = alpha_max · min(1, s/warmup)")
        .source("Burns et al. 2023, A.4")
        .uses_batch_statistics();
    s.field("alpha_max", &Params::alpha_max,
            "final weight of the student's own predictions (paper: .75 for its largest)")
        .in(0, 1);
    s.field("warmup", &Params::warmup, "fraction of training over which α rises from 0").in(0, 1);
    s.field(
        "prior", &Params::prior,
        "share of class 1: the batch mean of the weak labels, as in the public code, or one half, as in the "
        "paper");
  }
  explicit AuxiliaryConfidence(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const double alpha = params_.alpha_max * ramp(in.step_fraction, params_.warmup);
    return cross_entropy(log_p, (1 - alpha) * in.targets + alpha * hardened(log_p, in.targets));
  }

 private:
  Tensor hardened(const Tensor& log_p, const Tensor& targets) const {
    if (log_p.size(1) != 2 || log_p.size(0) == 1) return one_hot_argmax(log_p.detach());
    const Tensor p1 = log_p.detach().select(1, 1).exp();
    const Tensor mean = targets.select(1, 1).mean();
    const Tensor prior = params_.prior == Prior::half ? at::full_like(mean, 0.5) : mean;
    const Tensor positive = (p1 > quantile_linear(p1, 1 - prior)).to(log_p.scalar_type());
    return at::stack({1 - positive, positive}, 1);
  }

  const Params params_;
};

W2S_LOSS(AuxiliaryConfidence, "aux_confidence");

}  // namespace
}  // namespace w2s
