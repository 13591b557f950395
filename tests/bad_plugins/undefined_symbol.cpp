// Calls a function that nobody defines
#include <w2s/plugin.hpp>

namespace nobody {
w2s::Tensor wrote_this(const w2s::Tensor& logits);
}

namespace {

class UndefinedSymbol final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Calls a function that nobody defines"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return nobody::wrote_this(in.logits); }
};

}  // namespace

W2S_LOSS(UndefinedSymbol, "undefined_symbol");
