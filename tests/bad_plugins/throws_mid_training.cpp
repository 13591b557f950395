// Fails on its third step, inside LibTorch
#include <w2s/plugin.hpp>

namespace {

class ThrowsMidTraining final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) {
    s.summary("Fails on its third step, inside LibTorch");
  }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    if (++steps_ == 3) return in.logits.matmul(in.logits.new_zeros({in.logits.size(1) + 1, 1}));
    return in.logits.square().sum(1);
  }

 private:
  int steps_ = 0;
};

}  // namespace

W2S_LOSS(ThrowsMidTraining, "throws_mid_training");
