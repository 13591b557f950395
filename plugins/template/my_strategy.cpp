// A strategy: who teaches, on what, and how the student is fitted.
//
// Here: the labels are sharpened, and examples of which the supervisor is still unsure count less. Change the
// labels or the spec, ask the lab for fits, predictions and features, and call `next` as often as you like.
#include <w2s/confidence.hpp>
#include <w2s/plugin.hpp>

namespace {

class MyStrategy final : public w2s::ISupervisionStrategy {
 public:
  // An experiment sets them: strategy = [{ type = "my_strategy", power = 3.0 }]
  struct Params {
    double power = 2.0;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("Sharpens the labels and weights each example by the confidence that is left").source("yours");
    s.field("power", &Params::power, "above 1 sharpens, below 1 softens").above(0);
  }

  explicit MyStrategy(const Params& params) : params_(params) {}

  w2s::Student supervise(const w2s::Supervision& labels, const w2s::FitSpec& spec, w2s::Lab& lab,
                         const w2s::Next& next) override {
    w2s::Supervision sharper = labels;  // a copy: `labels` belongs to the caller
    const w2s::Tensor powers = labels.targets.pow(params_.power);
    sharper.targets = powers / powers.sum(1, /*keepdim=*/true);
    sharper.weights = labels.weights * w2s::confidence(sharper);
    lab.log("my_strategy: mean weight " + std::to_string(sharper.weights.mean().item<double>()));
    return next(sharper, spec);
  }

 private:
  const Params params_;
};

}  // namespace

W2S_STRATEGY(MyStrategy, "my_strategy");
