// Supervision: examples with soft targets and weights. Ground truth, a weak
// model's labels and human labels are all supervision.
#pragma once

#include <w2s/examples.hpp>

namespace w2s {

struct W2S_API Supervision {
  Examples examples;
  Tensor targets;  ///< float32 [N, C], rows on the simplex
  Tensor weights;  ///< float32 [N], ≥ 0

  /// One-hot ground truth of `classes` classes, weights 1.
  static Supervision truth(const Examples& examples, std::int64_t classes);
  /// Soft labels [N, C] for the examples, weights 1. Throws Error unless rows are distributions.
  static Supervision soft(const Examples& examples, const Tensor& probabilities);

  std::int64_t size() const { return examples.size(); }
  std::int64_t classes() const { return targets.size(1); }
  Supervision select(const std::vector<std::int64_t>& positions) const;
  /// Targets replaced by the one-hot of their argmax.
  Supervision hardened() const;
  /// SHA-256 of examples, targets and weights.
  std::string digest() const;
};

}  // namespace w2s
