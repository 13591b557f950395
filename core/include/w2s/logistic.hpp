// Multinomial logistic regression with an L1 penalty.
// May be called from any thread.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s {

struct LinearClassifier {
  Tensor weight;  ///< [C, D]
  Tensor bias;    ///< [C]
};

/// Minimises ‖W‖₁ + c Σ_i CE(W x_i + b, y_i) for x [N, D] and classes y int64 [N]; the bias is not penalised.
/// Accelerated proximal gradient (Beck & Teboulle 2009) with restarts; deterministic. Standardise x first.
W2S_API LinearClassifier l1_logistic_regression(const Tensor& x, const Tensor& y, std::int64_t classes,
                                                double c);

}  // namespace w2s
