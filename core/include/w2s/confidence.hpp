// How sure a supervisor is of its labels, and the examples on which it is surest.
// Every function may be called from any thread.
#pragma once

#include <vector>

#include <w2s/supervision.hpp>

namespace w2s {

/// The largest probability of each row, float32 [N]; of answers their certainty.
W2S_API Tensor confidence(const Supervision& labels);

/// Positions of the ⌈keep · n⌉ surest of the n examples of each labelled class (argmax), in the
/// order of the supervision. Of equally sure examples the earlier is kept.
W2S_API std::vector<std::int64_t> surest_per_class(const Supervision& labels, double keep);

/// The positions 0 … size − 1 that `positions` (ascending) leaves out, ascending.
W2S_API std::vector<std::int64_t> complement(const std::vector<std::int64_t>& positions, std::int64_t size);

/// The mean of 1 − confidence: the share of wrong labels of a supervisor that is calibrated.
W2S_API double expected_noise(const Supervision& labels);

/// How many of `count` examples learn by their small losses in this epoch (from 0), as the share that is left
/// out rises to `noise`: ⌈(1 − noise · min(1, epoch / ramp)) count⌉, at least 1 (Han et al. 2018).
W2S_API std::int64_t small_loss_count(std::int64_t count, double noise, std::int64_t epoch,
                                      std::int64_t ramp);

/// Confident learning's estimate of the joint distribution of given and true labels.
struct ConfidentJoint {
  Tensor joint;       ///< float64 [C, C], rows: given label, columns: true class; sums to 1
  Tensor thresholds;  ///< float64 [C]: mean probability of class j among the examples that are labelled j
};

/// Northcutt et al. 2021, eq. 1–3: example i labelled l counts for the likeliest class j among those with
/// p_ij ≥ t_j; rows are calibrated to the frequencies of the labels. `labels` int64 [N], out-of-sample
/// `probabilities` [N, C].
W2S_API ConfidentJoint confident_joint(const Tensor& labels, const Tensor& probabilities);

}  // namespace w2s
