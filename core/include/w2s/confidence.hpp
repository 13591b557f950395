// How sure a supervisor is of its labels, and the examples on which it is surest.
#pragma once

#include <vector>

#include <w2s/supervision.hpp>

namespace w2s {

/// The largest probability of each row, float32 [N].
W2S_API Tensor confidence(const Supervision& labels);

/// Positions of the ⌈keep · n⌉ surest of the n examples of each labelled class (argmax), in the
/// order of the supervision. Of equally sure examples the earlier is kept.
W2S_API std::vector<std::int64_t> surest_per_class(const Supervision& labels, double keep);

/// The positions 0 … size − 1 that `positions` (ascending) leaves out, ascending.
W2S_API std::vector<std::int64_t> complement(const std::vector<std::int64_t>& positions, std::int64_t size);

}  // namespace w2s
