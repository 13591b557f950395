// How sure a supervisor is of its labels, and the examples on which it is surest.
// Every function may be called from any thread.
#pragma once

#include <vector>

#include <w2s/supervision.hpp>

namespace w2s {

/// The largest probability of each row, or Supervision::certainty where that is told; float32 [N].
W2S_API Tensor confidence(const Supervision& labels);

/// Throws UsageError where no label is surer than another, so that confidence cannot choose among them:
/// one-hot labels from outside. `strategy` is the one that would choose.
W2S_API void require_graded(const Supervision& labels, const std::string& strategy);

/// Positions by ascending value [N]; the order of equal ones is drawn from the examples' ids, so that the
/// order of the rows decides nothing.
W2S_API std::vector<std::int64_t> ranked(const Tensor& values, const Examples& examples);

/// Positions of the ⌈keep · n⌉ surest of the n examples of each labelled class (argmax), in the
/// order of the supervision. Ties as in ranked().
W2S_API std::vector<std::int64_t> surest_per_class(const Supervision& labels, double keep);

/// The positions 0 … size − 1 that `positions` (ascending) leaves out, ascending.
W2S_API std::vector<std::int64_t> complement(const std::vector<std::int64_t>& positions, std::int64_t size);

/// The mean of 1 − confidence: the share of wrong labels of a supervisor that is calibrated.
/// Throws UsageError for one-hot labels, which do not tell.
W2S_API double expected_noise(const Supervision& labels);

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
