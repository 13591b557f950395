// GELU by tanh: as LibTorch's, and on the CPU in float32 in one pass each way.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s::hf {

/// x σ(2u), u = √(2/π) (x + 0.044715 x³), elementwise. Second derivatives are LibTorch's.
Tensor tanh_gelu(const Tensor& x);

}  // namespace w2s::hf
