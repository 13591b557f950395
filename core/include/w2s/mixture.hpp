// Two Gaussians on a line: which of the values belong to the lower one.
// May be called from any thread.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s {

struct MixtureSettings {
  std::int64_t iterations = 10;
  double tolerance = 1e-2;       ///< of the mean log-likelihood between iterations
  double regularization = 5e-4;  ///< added to variances
};

/// Fits a mixture of two Gaussians by expectation maximisation, started from the two-means split, and gives
/// the posterior probability of the component with the lower mean, float64 [N] for values [N].
/// Settings: Li et al. 2020 (DivideMix).
W2S_API Tensor lower_component(const Tensor& values, const MixtureSettings& settings = {});

}  // namespace w2s
