// Registers nothing.
#include <w2s/plugin.hpp>

w2s::Tensor unused(const w2s::Tensor& logits) { return logits.square(); }
