// LP-FT: a linear probe first, then fine-tuning of everything from there.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class ProbeThenFineTune final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t epochs = 200;
    std::int64_t batch = 128;
    double lr = 1e-3;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits a linear probe, then fine-tunes the whole model from the probe with the method's [train] "
         "settings.")
        .source("Kumar et al. 2022; probe settings: Burns et al. 2023");
    s.field("epochs", &Params::epochs, "epochs of the probe").at_least(1);
    s.field("batch", &Params::batch, "batch of the probe").at_least(1);
    s.field("lr", &Params::lr, "learning rate of the probe").above(0);
  }
  explicit ProbeThenFineTune(const Params& params) : params_(params) {}

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec probe = spec;
    probe.train.trainable = Trainable::head();
    probe.train.epochs = params_.epochs;
    probe.train.batch = params_.batch;
    probe.train.lr = params_.lr;
    probe.train.weight_decay = 0;

    FitSpec tune = spec;
    tune.start = next(labels, probe);
    return next(labels, tune);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(ProbeThenFineTune, "lp_ft");

}  // namespace
}  // namespace w2s
