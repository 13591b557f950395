// Tensors for plugins: ATen with autograd, without torch::nn (which costs 20 s a file).
// Functions may be called from any thread; a tensor that is written to has one owner.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <map>
#include <string>
#include <vector>

#include <w2s/export.hpp>

namespace w2s {

using at::Tensor;

/// Row-wise argmax as a one-hot of the same shape and type; no gradient. [.., C] → [.., C]
W2S_API Tensor one_hot_argmax(const Tensor& scores);

/// SHA-256 (hex) of dtype, shape and contents.
W2S_API std::string digest(const Tensor& tensor);

}  // namespace w2s
