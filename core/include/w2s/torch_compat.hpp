// What differs between LibTorch 1.13 and 2.x, in one place.
// May be called from any thread; Autocast holds for the thread that made it.
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/csrc/api/include/torch/version.h>

#include <w2s/error.hpp>
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

/// Mixed precision for this thread while it lives: on devices of this kind, matrix products and convolutions
/// take and give `type`; kFloat turns it off. Weights keep their type and are cast where they are used.
/// Throws UsageError for a device without autocast or a type that it does not take.
class Autocast {
 public:
  Autocast(at::DeviceType device, at::ScalarType type)
      : device_(device), before_(current(device)), cached_(at::autocast::is_autocast_cache_enabled()) {
    const bool known = device == at::kCPU || device == at::kCUDA;
    if (type != at::kFloat &&
        (!known || (type != at::kBFloat16 && (type != at::kHalf || device == at::kCPU)))) {
      throw UsageError(std::string("mixed precision in ") + c10::toString(type) + " is not supported on '" +
                       c10::DeviceTypeName(device, /*lower_case=*/true) + "'");
    }
    // A copy of a weight that was made without gradients must not serve a pass that needs them.
    at::autocast::set_autocast_cache_enabled(false);
    set(device, type);
  }
  ~Autocast() {
    set(device_, before_);
    at::autocast::set_autocast_cache_enabled(cached_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

  /// The type that is in force, kFloat where there is none.
  static at::ScalarType current(at::DeviceType device) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    if (device != at::kCPU && device != at::kCUDA) return at::kFloat;
    return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : at::kFloat;
#else
    if (device == at::kCPU && at::autocast::is_cpu_enabled()) return at::autocast::get_autocast_cpu_dtype();
    if (device == at::kCUDA && at::autocast::is_enabled()) return at::autocast::get_autocast_gpu_dtype();
    return at::kFloat;
#endif
  }

 private:
  static void set(at::DeviceType device, at::ScalarType type) {
    const bool on = type != at::kFloat;
    if (device != at::kCPU && device != at::kCUDA) return;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_enabled(device, on);
    if (on) at::autocast::set_autocast_dtype(device, type);
#else
    if (device == at::kCPU) {
      at::autocast::set_cpu_enabled(on);
      if (on) at::autocast::set_autocast_cpu_dtype(type);
    } else {
      at::autocast::set_enabled(on);
      if (on) at::autocast::set_autocast_gpu_dtype(type);
    }
#endif
  }

  at::DeviceType device_;
  at::ScalarType before_;
  bool cached_;
};

}  // namespace w2s::compat
