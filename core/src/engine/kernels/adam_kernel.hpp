// Adam over contiguous floats, one pass over memory. Free of LibTorch.
#pragma once

#include <cstdint>

namespace w2s {

struct AdamStep {
  std::int64_t t;  // from 1
  float lr, beta1, beta2, eps, decay;
  float bias1;       // 1 − β₁ᵗ
  float root_bias2;  // √(1 − β₂ᵗ)
  bool decoupled;    // AdamW: p ← p (1 − lr·decay); else decay·p joins the gradient
};

/// [n] each. The same bits on every x86-64 machine with AVX2: no fused multiply-add.
void adam_kernel(float* __restrict value, const float* __restrict gradient, float* __restrict first,
                 float* __restrict second, std::int64_t n, AdamStep step);

}  // namespace w2s
