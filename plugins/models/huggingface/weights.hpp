// Weights: how a family's forward pass applies named tensors to activations.
//
// LoRA (Hu et al. 2022): where a linear map has <module>.lora_a [r, in] and
// <module>.lora_b [out, r] beside it, it computes x Wᵀ + (alpha / r) x Aᵀ Bᵀ.
#pragma once

#include <string>

#include <w2s/model.hpp>

#include "layout.hpp"

namespace w2s::hf {

class Weights {
 public:
  /// Reads from `parameters`, which must live longer. `prefix` is put before every name but those that
  /// `at_full_name` takes.
  Weights(const Parameters& parameters, std::string prefix, double lora_scale)
      : parameters_(parameters), prefix_(std::move(prefix)), lora_scale_(lora_scale) {}

  const Tensor& operator[](const std::string& name) const { return parameters_.at(prefix_ + name); }
  bool has(const std::string& name) const { return parameters_.has(prefix_ + name); }
  const Tensor& at_full_name(const std::string& name) const { return parameters_.at(name); }
  bool has_full_name(const std::string& name) const { return parameters_.has(name); }

  /// The trained ones whose names begin with `module`.
  std::vector<Tensor> trained(const std::string& module) const;

  /// x Wᵀ + b with W [out, in]; b where there is one.
  Tensor linear(const Tensor& x, const std::string& module) const;
  /// x W + b with W [in, out].
  Tensor transposed(const Tensor& x, const std::string& module) const;
  /// Layer norm over the last dimension; its weight and bias where there are any.
  Tensor layer_norm(const Tensor& x, const std::string& module, double eps) const;
  /// x / sqrt(mean x² + eps) · w over the last dimension, computed in float32 (Zhang & Sennrich 2019).
  Tensor rms_norm(const Tensor& x, const std::string& module, double eps) const;
  /// W + (alpha / r) B A in W's own orientation: the map with its LoRA folded in; W where it has none.
  Tensor merged(const std::string& full_name, Map map) const;

 private:
  Tensor map(const Tensor& x, const std::string& module, bool transposed) const;

  const Parameters& parameters_;
  std::string prefix_;
  double lora_scale_;
};

/// x / sqrt(mean x² + eps) over the last dimension, in float32.
Tensor root_mean_square_normed(const Tensor& x, double eps);

/// "gelu", "gelu_new", "relu", "silu", … Throws UsageError for an unknown name.
Tensor activate(const std::string& name, const Tensor& x);
/// Throws UsageError unless activate() knows the name; `where` starts the message.
void check_activation(const std::string& name, const std::string& where);

}  // namespace w2s::hf
