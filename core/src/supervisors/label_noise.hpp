// Ground truth with errors of a known rate and structure.
#pragma once

#include <w2s/random.hpp>
#include <w2s/schema.hpp>

namespace w2s {

/// Labels int64 [N] of which round((1 − accuracy) N) are a random other class: those with the largest
/// `priority` (float64 [N]; of equal ones, and where it is undefined, random ones).
Tensor corrupted(const Tensor& labels, std::int64_t classes, double accuracy, const Tensor& priority,
                 Stream stream);

/// Labels drawn from matrix[true class].
Tensor corrupted_by(const Tensor& labels, const Matrix& matrix, Stream stream);

}  // namespace w2s
