// Backward correction: an unbiased estimate of the loss under the true labels.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class BackwardCorrection final : public ILoss {
 public:
  struct Params {
    Matrix transition;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy with labels sent back through the inverse transition matrix: unbiased, may be "
         "negative.")
        .formula("−Σ (y T⁻¹) log p")
        .source("Patrini et al. 2017");
    s.field("transition", &Params::transition,
            "T [C, C], T[i][j] = P(label j | true class i); rows sum to 1; invertible")
        .required();
  }
  explicit BackwardCorrection(const Params& params) {
    const Tensor transition = transition_matrix(params.transition);
    const double condition = at::linalg_cond(transition).item<double>();
    if (!(condition < 1e8))
      throw UsageError("transition: not invertible; use 'forward_correction' or other numbers");
    inverse_ = at::linalg_inv(transition);
  }

  void check(const LossContext& context) const override { check_transition(inverse_, context); }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return cross_entropy(log_p, at::matmul(in.targets.to(log_p.scalar_type()), inverse_.to(log_p.options())));
  }
  bool rowwise() const override { return true; }

 private:
  Tensor inverse_;
};

W2S_LOSS(BackwardCorrection, "backward_correction");

}  // namespace
}  // namespace w2s
