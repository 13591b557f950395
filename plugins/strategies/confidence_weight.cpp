// Confidence weighting: surer labels count more.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class ConfidenceWeight final : public ISupervisionStrategy {
 public:
  struct Params {
    double power = 1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Multiplies each example's weight by a power of the supervisor's confidence; the mean weight stays "
         "the "
         "same, and with it the effective learning rate.")
        .formula("w ∝ w · (max y)^power")
        .source("Guo & Yang 2024, reliability-aware weak-to-strong");
    s.field("power", &Params::power, "exponent of the confidence; 0 changes nothing").at_least(0);
  }
  explicit ConfidenceWeight(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    if (params_.power > 0) require_graded(labels, "confidence_weight");
    Supervision weighted = labels;
    const Tensor weights = labels.weights * confidence(labels).pow(params_.power);
    weighted.weights = weights * (labels.weights.sum() / weights.sum().clamp_min(1e-30));
    return next(weighted, spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(ConfidenceWeight, "confidence_weight");

}  // namespace
}  // namespace w2s
