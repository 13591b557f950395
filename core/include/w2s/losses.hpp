// Pieces that several losses share: numerically safe, one row at a time.
//
// log_p stands for log-probabilities [B, C] from log_probabilities(). Work with
// log_p and exp(q·log_p) rather than with powers of p: gradients then stay finite
// where p is 0 or 1. Results [B] or [B, C] have log_p's type and device.
// Every function may be called from any thread.
#pragma once

#include <w2s/loss.hpp>

namespace w2s {

/// log softmax over classes, in float32 or better whatever the type of the logits. [B, C] → [B, C]
W2S_API Tensor log_probabilities(const Tensor& logits);

/// −Σ_k t_k log p_k. → [B]
W2S_API Tensor cross_entropy(const Tensor& log_p, const Tensor& targets);

/// Σ_k t_k (log t_k − log p_k) with 0·log 0 = 0. → [B]
W2S_API Tensor kl_divergence(const Tensor& targets, const Tensor& log_p);

/// −Σ_k p_k log clamp(t_k, 1e-4, 1) (Wang et al. 2019). → [B]
W2S_API Tensor reverse_cross_entropy(const Tensor& log_p, const Tensor& targets);

/// −(1 − p)^γ log p (Lin et al. 2017), with a finite gradient at p = 1 for γ < 1. → [B, C]
W2S_API Tensor focal_terms(const Tensor& log_p, double gamma);

/// The q-quantile of a vector with linear interpolation; q is clamped to [0, 1]. No gradient. [B] → []
W2S_API Tensor quantile_linear(const Tensor& values, const Tensor& q);

/// min(1, s / warmup): 0 at the start, 1 from s = warmup on; always 1 where warmup is 0.
W2S_API double ramp(double step_fraction, double warmup);

/// A transition matrix T as float64 [C, C]: T[i][j] = P(label j | true class i).
/// Throws UsageError unless it is square with entries in [0, 1] and rows that sum to 1.
W2S_API Tensor transition_matrix(const Matrix& rows);
/// Throws UsageError unless T has one row per class.
W2S_API void check_transition(const Tensor& transition, const LossContext& context);

}  // namespace w2s
