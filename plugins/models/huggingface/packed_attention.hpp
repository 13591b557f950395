// Attention within sequences that lie end to end, on the CPU: no padding is stored or computed.
//
// Probabilities are not kept: the backward pass computes them again from the queries, the keys and one number
// a query, the log of its softmax's denominator (as in Dao et al. 2022), block by block in the cache.
#pragma once

#include <memory>
#include <vector>

#include <w2s/tensor.hpp>

namespace w2s::hf {

/// Sequences in one row of tokens: sequence i is at offsets[i] … offsets[i + 1] − 1.
using Offsets = std::vector<std::int64_t>;

/// softmax(scale · q kᵀ) v within each sequence: q [1, H, N, d], k and v [1, K, N, d] float32 on the CPU, H a
/// multiple of K; gives [1, H, N, d]. `causal`: keys at or before the query; window > 0: of these, or of all,
/// the ones less than `window` places away. Differentiable once.
Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::shared_ptr<const Offsets>& offsets, bool causal, std::int64_t window,
                        double scale);

}  // namespace w2s::hf
