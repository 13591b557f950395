// Statistics of scores that are noisy twice: over seeds and over test examples.
// Formulas, sources and the measured coverage: docs/measures.md.
//
// One PairedScores holds what was measured on one test set: K columns (floor,
// ceiling, students), each [S, N] scores of the same S seeds on the same N
// examples. All that is computed from it is paired: the same seeds and examples
// stand behind every column.
//
// The standard error of a linear combination of column means comes from the
// crossed variance components (seeds + examples − their interaction), with a few
// answers added so that scores near 0 and 1 have one too. Its interval gives each
// component its own quantile of Student's t. The hierarchical bootstrap stands
// beside it as a check: its percentile interval is too narrow for 3 to 5 seeds.
// Unknown numbers are NaN. One object is used by one thread at a time. Free of LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/statistics/variance.hpp"

namespace w2s {

struct Estimate {
  double value = 0;
  double se = 0;             // NaN: neither seeds nor examples to estimate it from
  double df = 0;             // those of the t distribution that gives this interval; infinite where se is 0
  double lo = 0, hi = 0;     // NaN: no interval. Its middle is not the value where there are few examples
  std::size_t seeds = 0;     // the fewest of the columns involved
  std::size_t examples = 0;  // 0: only one number a seed is known
  /// False with one seed: se and interval then cover the choice of test examples only.
  bool covers_seeds() const { return seeds > 1; }
};

class PairedScores {
 public:
  /// columns[k][s] holds N scores, or none where column k lacks seed s. N = 1 with `aggregated` means one
  /// number a seed (any measure); otherwise scores lie in [0, 1]. Throws Error where the columns have
  /// different numbers of seeds, a column has no seed, or the numbers of examples differ.
  explicit PairedScores(std::vector<std::vector<std::vector<double>>> columns, bool aggregated = false);

  std::size_t columns() const { return scores_.size(); }
  std::size_t seeds() const { return seeds_; }
  /// 0 where aggregated.
  std::size_t examples() const { return aggregated_ ? 0 : examples_; }
  bool has(std::size_t column, std::size_t seed) const { return !scores_[column][seed].empty(); }
  std::span<const double> scores(std::size_t column, std::size_t seed) const { return scores_[column][seed]; }
  double mean(std::size_t column) const { return means_[column]; }
  double seed_mean(std::size_t column, std::size_t seed) const { return seed_means_[column][seed]; }
  std::size_t seeds_of(std::size_t column) const { return present_[column]; }

  using Terms = std::vector<std::pair<std::size_t, double>>;  // (column, coefficient)
  /// Estimate of Σ coefficient · mean(column), with a two-sided interval of the level; none where seeds do
  /// not differ and nothing but their means is known.
  Estimate linear(const Terms& terms, double level = 0.95) const;
  /// One column; the interval is that of a share of as many independent answers, and stays in [0, 1].
  Estimate column(std::size_t column, double level = 0.95) const;
  Combination combine(const Terms& terms) const;

 private:
  friend class Bootstrap;
  /// Of the means of two columns; computed once for each pair.
  const VarianceParts& covariance(std::size_t j, std::size_t k) const;
  VarianceParts compute_covariance(std::size_t j, std::size_t k) const;
  Estimate estimate_of(const Combination& combination, const Terms& terms, double level) const;

  std::vector<std::vector<std::vector<double>>> scores_;  // [K][S][N]
  std::size_t seeds_ = 0, examples_ = 0;
  bool aggregated_ = false;
  std::vector<std::size_t> present_;                               // [K] seeds of a column
  std::vector<double> means_;                                      // [K]
  std::vector<std::vector<double>> seed_means_;                    // [K][S]; NaN where absent
  std::vector<std::vector<double>> example_means_;                 // [K][N], over the column's seeds
  mutable std::vector<std::optional<VarianceParts>> covariances_;  // [K, K], upper half
};

/// Replicates of all column means under one resampling of seeds and examples, shared by the columns.
/// A replicate adds the deviation of the drawn seeds, scaled by √(S/(S−1)), and that of the drawn examples.
class Bootstrap {
 public:
  Bootstrap(const PairedScores& scores, std::size_t replicates, std::uint64_t seed);
  std::size_t replicates() const { return replicates_; }
  double draw(std::size_t replicate, std::size_t column) const {
    return draws_[replicate * columns_ + column];
  }

 private:
  std::size_t columns_, replicates_;
  std::vector<double> draws_;  // [R, K]
};

struct Interval {
  double lo, hi;
};

/// Percentile interval of the replicates.
Interval bootstrap_interval(const Bootstrap& bootstrap, std::size_t column, double level = 0.95);

/// Performance gap recovered of one student.
struct Pgr {
  std::optional<Estimate> estimate;  // empty: undefined, for `reason`
  std::string reason;
  std::string no_interval;  // why the estimate has none; "" where it has one
  std::vector<std::optional<double>>
      per_seed;  // [S] against the seed's own baselines, where these differ clearly
  Estimate gap;  // ceiling − floor
};

/// Floor and ceiling of a table: what the PGRs of all its students have in common, computed once.
class Gap {
 public:
  /// Keeps a reference to the scores.
  Gap(const PairedScores& scores, std::size_t floor, std::size_t ceiling, double level = 0.95);

  /// (student − floor) / (ceiling − floor) from the means over all seeds; standard error by the delta method,
  /// interval by Fieller's, which has none where the gap's own reaches 0. Undefined unless ceiling − floor is
  /// positive and at least 2 of its standard errors.
  Pgr pgr(std::size_t student) const;

 private:
  void set_interval(Pgr& pgr, std::size_t student) const;

  const PairedScores& scores_;
  std::size_t floor_, ceiling_;
  double level_;
  Estimate estimate_;
  std::string reason_;       // why PGR is undefined; empty: it is not
  std::vector<bool> clear_;  // [S] the seed's own gap is
};

/// Gap(scores, floor, ceiling, level).pgr(student).
Pgr pgr(const PairedScores& scores, std::size_t floor, std::size_t ceiling, std::size_t student,
        double level = 0.95);

/// Percentile interval of PGR; a replicate whose gap is not positive counts as ±∞. Ends may be infinite.
Interval bootstrap_pgr_interval(const Bootstrap& bootstrap, std::size_t floor, std::size_t ceiling,
                                std::size_t student, double level = 0.95);

struct PairedTest {
  Estimate difference;     // mean(a) − mean(b)
  double p = 0;            // of the test named below; NaN where there is none
  std::string test;        // "paired t" (seeds and examples), "mcnemar mid-p" (one seed: examples only) or ""
  double bootstrap_p = 0;  // paired hierarchical bootstrap; NaN without one
  double detectable =
      0;  // smallest true difference found with probability .8 at level .05; NaN where unknown
};

/// Two-sided test that columns a and b have one mean, on the seeds that both have.
PairedTest paired_test(const PairedScores& scores, std::size_t a, std::size_t b,
                       const Bootstrap* bootstrap = nullptr);

/// Two-sided McNemar test on 0/1 scores: exact binomial mid-p of the discordant pairs (Fagerland 2013).
/// 1 without discordant pairs.
double mcnemar_mid_p(std::span<const double> a, std::span<const double> b);

/// Holm's step-down adjustment, in the order given; NaN entries stay NaN and do not count.
std::vector<double> holm(const std::vector<double>& p);

/// Ranks from 1 = largest; ties share their mean rank.
std::vector<double> midranks(const std::vector<double>& values);

/// The true difference that a two-sided t test with this standard error finds with probability `power`.
double smallest_detectable_difference(double se, double df, double alpha = 0.05, double power = 0.8);

}  // namespace w2s
