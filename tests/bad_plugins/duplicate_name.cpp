// Takes a name that 'sound' has
#include <w2s/plugin.hpp>

namespace {

class DuplicateName final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Takes a name that 'sound' has"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return in.logits.square().sum(1); }
};

}  // namespace

W2S_LOSS(DuplicateName, "sound");
