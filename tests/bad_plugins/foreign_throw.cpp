// Throws what is not an exception
#include <w2s/plugin.hpp>

namespace {

class ForeignThrow final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Throws what is not an exception"); }
  w2s::Tensor forward(const w2s::LossInput&) override { throw 42; }
};

}  // namespace

W2S_LOSS(ForeignThrow, "foreign_throw");
