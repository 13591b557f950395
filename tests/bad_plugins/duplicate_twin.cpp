// One good name and one that is registered twice within this file: neither may be taken.
#include <w2s/plugin.hpp>

namespace {

class Twin final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("One of two"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return in.logits.square().sum(1); }
};

}  // namespace

W2S_LOSS(Twin, "alone");
W2S_LOSS(Twin, "twin");
W2S_LOSS(Twin, "twin");
