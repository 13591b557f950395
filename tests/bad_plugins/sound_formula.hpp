// A header of the plugin's own: an edit of it changes the plugin's digest.
#pragma once

#include <w2s/tensor.hpp>

inline w2s::Tensor sound_formula(const w2s::Tensor& logits) { return logits.square().sum(1); }
