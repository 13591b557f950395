// Small losses: the labels that a student finds easy, which are clean before they are wrong (Arpit et al.
// 2017).
//
// They are judged by the label's likeliest class, as the papers do, whose labels are one-hot: the cross
// entropy of a soft label is at least that label's entropy, so that it ranks how unsure the supervisor was.
// May be called from any thread.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s {

/// −log p of the likeliest class of each label; no gradient. Logits, targets [B, C] → [B]
W2S_API Tensor hard_label_losses(const Tensor& logits, const Tensor& targets);

/// Positions of the `count` smallest values, int64 [count]. [B]
W2S_API Tensor smallest(const Tensor& values, std::int64_t count);

/// How many of `count` examples learn when a share is left out: ⌈(1 − left_out) count⌉, at least 1.
W2S_API std::int64_t small_loss_count(std::int64_t count, double left_out);

}  // namespace w2s
