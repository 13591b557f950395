// Says that it saw another ILoss than the core has.
#include <w2s/plugin.hpp>

namespace {

class Loss final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Of another size"); }
  w2s::Tensor forward(const w2s::LossInput& in) override { return in.logits.square().sum(1); }
};

constinit w2s::PluginEntry entry{w2s::PluginKind::loss,
                                 "wrong_interface_size",
                                 __FILE__,
                                 __LINE__,
                                 sizeof(w2s::ILoss) + 8,
                                 alignof(w2s::ILoss),
                                 &w2s::detail::make_schema<Loss>,
                                 &w2s::detail::make_plugin<Loss, w2s::ILoss>,
                                 &w2s::detail::resolve_params<Loss>,
                                 nullptr};
const w2s::detail::Link link{entry};

}  // namespace
