// Attention over heads: q [R, H, T, d], k and v [R, K, S, d], H a multiple of K
// (grouped queries, Ainslie et al. 2023). Three implementations that agree:
// LibTorch's fused one, the formula written out, and one for sequences that lie
// end to end without padding (see packed_attention.hpp).
#pragma once

#include <string>

#include "packed_attention.hpp"

namespace w2s::hf {

enum class Attention { fused, plain };

/// "auto" is fused where LibTorch has flash or memory-efficient kernels, else plain.
Attention attention_named(const std::string& name);

/// Which keys a query may look at, in the form that the implementation takes; both unset: all of them.
struct Mask {
  Tensor allowed;       ///< fused: bool, or numbers to be added; plain: these. Broadcastable to [R, H, T, S]
  bool causal = false;  ///< fused, packed: the lower triangle
  std::shared_ptr<const Offsets> sequences;  ///< set: packed, queries and keys are those of one row of them
  std::int64_t window = 0;                   ///< packed: keys less than `window` places away, 0 for all
};

/// Keys that are real tokens; `real` is bool [R, T], undefined where nothing is padded.
Mask padding_mask(Attention attention, const Tensor& real);

/// Keys at or before the query, of the same row. Right padding needs no mask of its own: a real query comes
/// before it. window > 0: only the last `window` keys. Queries and keys at positions 0 … T − 1.
Mask causal_mask(Attention attention, std::int64_t length, std::int64_t window, const Tensor& like);

/// The same for queries at `positions` [R, T] and keys at 0 … keys − 1 (a key-value cache).
Mask cached_mask(Attention attention, const Tensor& positions, std::int64_t keys, std::int64_t window);

/// Encoders: real keys less than `window` places away on either side, and the query itself. `real` as above.
Mask near_mask(Attention attention, std::int64_t length, std::int64_t window, const Tensor& real,
               const Tensor& like);

/// The mask with `bias`, broadcastable to [R, H, T, S], added to the scores. Not for packed sequences.
Mask biased(const Mask& mask, const Tensor& bias);

/// softmax(scale · q kᵀ + mask) v, [R, H, T, d].
Tensor attend(Attention attention, const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
              double scale);

/// The same with scores s = scale · q kᵀ bent to cap · tanh(s / cap) before the mask, which is a plain one.
Tensor attend_capped(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask, double scale,
                     double cap);

/// [R, T, H·d] → [R, H, T, d] and back.
Tensor split_heads(const Tensor& x, std::int64_t heads);
Tensor merge_heads(const Tensor& x);

}  // namespace w2s::hf
