// Exponential moving average: the student's weights are the running mean of those along its path.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class MovingAverage final : public ISupervisionStrategy {
 public:
  struct Params {
    double decay = 0.999;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Keeps the exponential moving average of the weights in the place of the last ones, without the "
         "initial weights' share; early stopping looks at the average too.")
        .formula("w̄ ← d_t w̄ + (1 − d_t) w, d_t = d (1 − d^(t−1)) / (1 − d^t)")
        .source("Burns et al. 2023, appendix B; Polyak & Juditsky 1992");
    s.field("decay", &Params::decay, "d: towards 1 the average looks further back").above(0).below(1);
  }
  explicit MovingAverage(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec averaged = spec;
    averaged.weight_average = params_.decay;
    return next(labels, averaged);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(MovingAverage, "ema");

}  // namespace
}  // namespace w2s
