// Supervision: examples with soft targets and weights. Ground truth, a weak
// model's labels and human labels are all supervision.
// Plain values: several threads may read one.
#pragma once

#include <w2s/examples.hpp>

namespace w2s {

/// What somebody wrote for each of some examples (generation tasks).
struct Answers {
  std::vector<std::string> texts;  ///< [N]
  Tensor certainty;  ///< float32 [N] in (0, 1]: geometric mean of the writer's probabilities of its tokens
};

struct W2S_API Supervision {
  Examples examples;
  Tensor targets;                    ///< float32 [N, C], rows on the simplex; generation: [N, 1] of ones
  Tensor weights;                    ///< float32 [N], ≥ 0
  std::vector<std::string> answers;  ///< generation: [N] what the student is to write; else empty
  /// How sure the labels' giver was, float32 [N], where the targets do not tell. Generation: see Answers, 1
  /// for ground truth. Hardened labels: the largest probability before; else undefined.
  Tensor certainty;

  /// One-hot ground truth of `classes` classes, weights 1; with one class (generation) the reference answers.
  static Supervision truth(const Examples& examples, std::int64_t classes);
  /// Answers as labels, weights 1. Throws Error unless there is one for each example.
  static Supervision written(const Examples& examples, const Answers& answers);
  /// Soft labels [N, C] for the examples, weights 1. Throws Error unless rows are distributions.
  static Supervision soft(const Examples& examples, const Tensor& probabilities);

  std::int64_t size() const { return examples.size(); }
  std::int64_t classes() const { return targets.size(1); }
  Supervision select(const std::vector<std::int64_t>& positions) const;
  bool generation() const { return !answers.empty(); }
  /// Targets replaced by the one-hot of their argmax; `certainty` keeps how sure they were.
  Supervision hardened() const;
  /// SHA-256 of examples, targets, weights and answers.
  std::string digest() const;
};

}  // namespace w2s
