// Forward correction: the student predicts the noisy label through the transition matrix.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class ForwardCorrection final : public ILoss {
 public:
  struct Params {
    Matrix transition;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy of the noisy label under the student's prediction sent through the transition "
         "matrix.")
        .formula("−Σ y log(p T)")
        .source("Patrini et al. 2017");
    s.field("transition", &Params::transition, "T [C, C], T[i][j] = P(label j | true class i); rows sum to 1")
        .required();
  }
  explicit ForwardCorrection(const Params& params) : transition_(transition_matrix(params.transition)) {}

  void check(const LossContext& context) const override { check_transition(transition_, context); }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    // log(p T) summed in logarithms; an impossible label costs 1e5 instead of ∞.
    const Tensor log_t = transition_.to(log_p.options()).log().clamp_min(-1e5);
    return cross_entropy(at::logsumexp(log_p.unsqueeze(2) + log_t, 1), in.targets);
  }
  bool rowwise() const override { return true; }

 private:
  const Tensor transition_;
};

W2S_LOSS(ForwardCorrection, "forward_correction");

}  // namespace
}  // namespace w2s
