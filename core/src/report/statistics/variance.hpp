// The variance of a linear combination of column means, in the parts that it comes from, and how wide an
// interval they make. Formulas, sources and measured coverage: docs/measures.md.
#pragma once

#include <cstddef>

namespace w2s {

/// Estimated from S seeds × N examples; covariances of two columns add up to those of their combination.
struct VarianceParts {
  double seeds = 0;        // of the mean, as the seeds' own means show it; 0 with one seed
  double examples = 0;     // of the mean, as the examples' means show it; 0 with one example
  double interaction = 0;  // what both contain
  double pooled = 0;       // of one score of one seed

  VarianceParts& add(const VarianceParts& other, double times);
};

/// What is known of a combination Σ coefficient · mean(column).
struct Combination {
  double value = 0;
  VarianceParts parts;
  double sum = 0, squares = 0;  // of the coefficients
  std::size_t columns = 0;      // with a coefficient that is not 0
  std::size_t seeds = 0;        // the fewest of the columns that have at least two; 0: none has
  std::size_t most_seeds = 0;   // of all columns
  std::size_t examples = 0;     // 1 of aggregated scores
};

/// Half of an interval, and the standard error, with two right and two wrong answers (of a combination: one
/// of each) added to what the scores are worth as independent ones. `centre` is the middle of the interval.
struct Spread {
  double centre = 0, half = 0, se = 0;
};

/// Student's and the normal quantiles of one level; each is computed once in a thread.
class Criticals {
 public:
  Criticals() = default;
  /// `seeds` and `examples` as in Combination.
  Criticals(std::size_t seeds, std::size_t examples, double level);
  double of_seeds() const { return of_seeds_; }
  double of_examples() const { return of_examples_; }

 private:
  double of_seeds_ = 0, of_examples_ = 0;
};

Spread spread_of(const Combination& combination, const Criticals& criticals);

}  // namespace w2s
