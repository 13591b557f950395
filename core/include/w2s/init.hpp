// Initial weights, drawn from a Stream so that they do not depend on the LibTorch version.
// May be called from any thread, with a Stream of its own.
#pragma once

#include <cmath>
#include <vector>

#include <w2s/random.hpp>
#include <w2s/tensor.hpp>

namespace w2s {

/// Uniform in ±bound, float32.
inline Tensor uniform_weights(Stream& stream, const std::vector<std::int64_t>& shape, double bound) {
  Tensor weights = at::empty(shape, at::kFloat);
  float* values = weights.data_ptr<float>();
  for (std::int64_t i = 0; i < weights.numel(); ++i)
    values[i] = static_cast<float>(stream.uniform(-bound, bound));
  return weights;
}

/// 1 / √fan_in: the bound of Kaiming-uniform weights and biases with a = √5, the default of PyTorch's
/// linear and convolution layers. Shape [out, in, …]; a bias takes the bound of its weight's shape.
inline double fan_in_bound(const std::vector<std::int64_t>& shape) {
  double fan_in = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  return 1 / std::sqrt(fan_in);
}

}  // namespace w2s
