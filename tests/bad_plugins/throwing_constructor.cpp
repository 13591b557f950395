// The constructor throws
#include <w2s/plugin.hpp>

namespace {

class ThrowingConstructor final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("The constructor throws"); }
  ThrowingConstructor() { throw std::runtime_error("no such luck"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return in.logits.square().sum(1); }
};

}  // namespace

W2S_LOSS(ThrowingConstructor, "throwing_constructor");
