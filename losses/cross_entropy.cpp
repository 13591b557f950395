// Cross entropy with optional label smoothing.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class CrossEntropy final : public ILoss {
 public:
  struct Params {
    double label_smoothing = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Cross entropy with the supervisor's soft labels.")
        .formula("CE(z, (1−ε) y + ε/C), CE(z, y) = −Σ y log p")
        .source("Burns et al. 2023; label smoothing: Szegedy et al. 2016");
    s.field("label_smoothing", &Params::label_smoothing,
            "ε: share of the label spread evenly over the classes")
        .in(0, 1);
  }
  explicit CrossEntropy(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const double epsilon = params_.label_smoothing;
    const Tensor smoothed = (1 - epsilon) * in.targets + epsilon / static_cast<double>(in.targets.size(1));
    return cross_entropy(log_probabilities(in.logits), smoothed);
  }
  bool rowwise() const override { return true; }

 private:
  const Params params_;
};

W2S_LOSS(CrossEntropy, "cross_entropy");

}  // namespace
}  // namespace w2s
