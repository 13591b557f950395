// Returns NaN for every example
#include <w2s/plugin.hpp>

namespace {

class NotANumber final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Returns NaN for every example"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return (in.logits * 0).log().sum(1) * 0; }
};

}  // namespace

W2S_LOSS(NotANumber, "not_a_number");
