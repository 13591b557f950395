// Focal loss: examples that the student already fits count less.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class Focal final : public ILoss {
 public:
  struct Params {
    double gamma = 2;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Focal loss: cross entropy with examples that are already fitted weighted down.")
        .formula("Σ y f, f = −(1−p)^γ log p")
        .source("Lin et al. 2017");
    s.field("gamma", &Params::gamma, "focusing exponent; 0 is cross entropy").at_least(0);
  }
  explicit Focal(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    return (in.targets * focal_terms(log_probabilities(in.logits), params_.gamma)).sum(-1);
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(Focal, "focal");

}  // namespace
}  // namespace w2s
