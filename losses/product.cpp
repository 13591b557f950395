// Cross entropy with the normalised product of student and supervisor.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class ProductConfidence final : public ILoss {
 public:
  struct Params {
    double alpha = 1;
    double beta = 1;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Cross entropy with the product of experts of label and student, which counts as constant.")
        .formula("CE(z, stop t), t ∝ p^β y^α, rows sum to 1")
        .source("openai/weak-to-strong, product_loss_fn");
    s.field("alpha", &Params::alpha, "exponent of the supervisor's label").at_least(0);
    s.field("beta", &Params::beta, "exponent of the student's prediction").at_least(0);
  }
  explicit ProductConfidence(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor weighted = at::xlogy(params_.alpha, in.targets);  // α log y, 0 where α is 0
    return cross_entropy(log_p, log_probabilities(params_.beta * log_p.detach() + weighted).exp());
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(ProductConfidence, "product");

}  // namespace
}  // namespace w2s
