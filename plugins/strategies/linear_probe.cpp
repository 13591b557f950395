// Linear probing: only the head is trained, on frozen features that are computed once.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class LinearProbe final : public ISupervisionStrategy {
 public:
  static void describe(Schema<NoParams>& s) {
    s.summary(
         "Trains only the head, on cached frozen features. The method's [train] settings apply; the paper "
         "used "
         "Adam with lr 1e-3, batch 128 and 200 epochs.")
        .source("Burns et al. 2023; Kumar et al. 2022");
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec probe = spec;
    probe.train.trainable = Trainable::head();
    return next(labels, probe);
  }
};

W2S_STRATEGY(LinearProbe, "linear_probe");

}  // namespace
}  // namespace w2s
