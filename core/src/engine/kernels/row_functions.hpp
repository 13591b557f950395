// Log-probabilities and cross entropy of rows, as one pass over the memory each way.
//
// LibTorch's operations cost more for rows as short as those of a few classes than the arithmetic does. These
// take float32 on the CPU, contiguous; for all else, and for second derivatives, LibTorch's formulas stand.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s {

/// True where the functions below serve.
bool are_plain_rows(const Tensor& a);

/// Log softmax of two classes, [B, 2] → [B, 2].
Tensor binary_log_softmax(const Tensor& logits);

/// −Σ_k t_k log p_k of plain rows of one shape, differentiable in both: [B, C] → [B].
Tensor row_cross_entropy(const Tensor& log_p, const Tensor& targets);

/// The q-quantile of a plain vector [B], as at::quantile computes it: linear interpolation, not a number
/// where one of them is not.
float quantile_of(const Tensor& values, float q);

}  // namespace w2s
