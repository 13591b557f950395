// Waits for ever on its third step
#include <unistd.h>

#include <w2s/plugin.hpp>

namespace {

class NeverReturns final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Waits for ever on its third step"); }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    while (steps_ == 2) pause();
    ++steps_;
    return in.logits.square().sum(1);
  }

 private:
  int steps_ = 0;
};

}  // namespace

W2S_LOSS(NeverReturns, "never_returns");
