// What differs between LibTorch 1.13 and 2.x, in one place.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s::compat {

/// True where scaled-dot-product attention has flash and memory-efficient kernels (LibTorch 2.0 on).
#if __has_include(<ATen/ops/scaled_dot_product_attention.h>)
inline constexpr bool has_fused_attention = true;
#else
inline constexpr bool has_fused_attention = false;
#endif

/// softmax(q kᵀ / √d + mask) v for q [R, H, T, d], k and v [R, H, S, d].
/// `allowed` is bool, broadcastable to [R, H, T, S], true where a query may look, or undefined;
/// `causal` stands for the lower triangle and excludes `allowed`.
inline Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                           const Tensor& allowed, bool causal) {
#if __has_include(<ATen/ops/scaled_dot_product_attention.h>)
  if (allowed.defined()) return at::scaled_dot_product_attention(q, k, v, allowed, 0.0, false);
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, causal);
#else
  if (allowed.defined())
    return std::get<0>(at::_scaled_dot_product_attention(q, k, v, allowed, 0.0, false, false));
  return std::get<0>(at::_scaled_dot_product_attention(q, k, v, {}, 0.0, false, causal));
#endif
}

}  // namespace w2s::compat
