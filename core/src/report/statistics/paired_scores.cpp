#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "report/statistics.hpp"
#include "report/statistics/numbers.hpp"
#include "report/statistics/quantiles.hpp"

namespace w2s {
namespace {

constexpr double kFewAnswers = 10;  // right or wrong: below it the interval is the binomial's own

/// In four sums, so that the additions need not wait for each other.
template <class Term>
double sum_over(std::size_t count, const Term& term) {
  constexpr std::size_t kLanes = 4;
  double sums[kLanes] = {};
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t j = 0; j < kLanes; ++j) sums[j] += term(i + j);
  double total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (std::size_t i = whole; i < count; ++i) total += term(i);
  return total;
}

/// Of a share of right answers that is worth as much as one of `n` independent ones.
Interval interval_of_share(double share, double n, double level) {
  const double right = share * n, tail = (1 - level) / 2;
  if (std::min(right, n - right) < kFewAnswers)
    return {binomial_lower_bound(right, n, tail), 1 - binomial_lower_bound(n - right, n, tail)};
  const double z = normal_quantile(1 - tail), zz = z * z;  // Wilson 1927
  const double centre = (right + zz / 2) / (n + zz);
  const double half = z / (n + zz) * std::sqrt(right * (n - right) / n + zz / 4);
  return {centre - half, centre + half};
}

}  // namespace

PairedScores::PairedScores(std::vector<std::vector<std::vector<double>>> columns, bool aggregated)
    : scores_(std::move(columns)), aggregated_(aggregated) {
  seeds_ = scores_.empty() ? 0 : scores_[0].size();
  for (const auto& column : scores_)
    for (const auto& seed : column)
      if (examples_ == 0) examples_ = seed.size();
  if (aggregated_ && examples_ != 1) throw Error("aggregated scores are one number a seed");
  for (std::size_t k = 0; k < scores_.size(); ++k) {
    if (scores_[k].size() != seeds_)
      throw Error(fmt::format("column {} has {} seeds, the first one has {}", k, scores_[k].size(), seeds_));
    std::size_t present = 0;
    double sum = 0;
    std::vector<double> by_seed(seeds_, kNaN), by_example(examples_, 0);
    for (std::size_t s = 0; s < seeds_; ++s) {
      const auto& row = scores_[k][s];
      if (row.empty()) continue;
      if (row.size() != examples_)
        throw Error(
            fmt::format("column {}, seed {}: {} examples where others have {}", k, s, row.size(), examples_));
      ++present;
      for (std::size_t i = 0; i < examples_; ++i) by_example[i] += row[i];
      by_seed[s] = std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(examples_);
      sum += by_seed[s];
    }
    if (present == 0) throw Error(fmt::format("column {} has no scores", k));
    for (double& value : by_example) value /= static_cast<double>(present);
    present_.push_back(present);
    means_.push_back(sum / static_cast<double>(present));
    seed_means_.push_back(std::move(by_seed));
    example_means_.push_back(std::move(by_example));
  }
}

const VarianceParts& PairedScores::covariance(std::size_t j, std::size_t k) const {
  if (covariances_.empty()) covariances_.resize(columns() * columns());
  auto& known = covariances_[std::min(j, k) * columns() + std::max(j, k)];
  if (!known) known = compute_covariance(j, k);
  return *known;
}

VarianceParts PairedScores::compute_covariance(std::size_t j, std::size_t k) const {
  VarianceParts parts;
  const auto n = static_cast<double>(examples_);
  const double *mean_j = example_means_[j].data(), *mean_k = example_means_[k].data();
  const double centre_j = means_[j], centre_k = means_[k];
  std::size_t common = 0;
  for (std::size_t s = 0; s < seeds_; ++s) {
    if (!has(j, s) || !has(k, s)) continue;
    ++common;
    const double *a = scores_[j][s].data(), *b = scores_[k][s].data();
    const double off_j = seed_means_[j][s] - centre_j, off_k = seed_means_[k][s] - centre_k;
    parts.seeds += off_j * off_k;
    parts.pooled += sum_over(examples_, [=](std::size_t i) { return (a[i] - centre_j) * (b[i] - centre_k); });
    parts.interaction += sum_over(
        examples_, [=](std::size_t i) { return (a[i] - mean_j[i] - off_j) * (b[i] - mean_k[i] - off_k); });
  }
  // √(S (S − 1)) of each column turns sums of squared deviations into the variance of its mean.
  const auto pairs = [](std::size_t seeds) { return static_cast<double>(seeds * (seeds - 1)); };
  const double scale = std::sqrt(pairs(present_[j]) * pairs(present_[k]));
  parts.seeds = scale > 0 ? parts.seeds / scale : 0;
  parts.interaction = scale > 0 && n > 1 ? parts.interaction / (scale * n * (n - 1)) : 0;
  parts.pooled = common > 0 ? parts.pooled / (static_cast<double>(common) * n) : 0;
  if (n > 1)
    parts.examples =
        sum_over(examples_, [=](std::size_t i) { return (mean_j[i] - centre_j) * (mean_k[i] - centre_k); }) /
        (n * (n - 1));
  return parts;
}

Combination PairedScores::combine(const Terms& terms) const {
  Terms merged;  // a column that comes twice counts by what is left of it
  for (const auto& [k, coefficient] : terms) {
    const auto it = std::find_if(merged.begin(), merged.end(), [&](const auto& t) { return t.first == k; });
    if (it == merged.end())
      merged.emplace_back(k, coefficient);
    else
      it->second += coefficient;
  }
  Combination c;
  c.examples = examples_;
  for (const auto& [k, coefficient] : merged) {
    c.value += coefficient * means_[k];
    c.sum += coefficient;
    c.squares += coefficient * coefficient;
    c.columns += coefficient != 0;
    c.most_seeds = std::max(c.most_seeds, present_[k]);
    if (present_[k] > 1 && (c.seeds == 0 || present_[k] < c.seeds)) c.seeds = present_[k];
  }
  for (std::size_t a = 0; a < merged.size(); ++a)
    for (std::size_t b = a; b < merged.size(); ++b)
      c.parts.add(covariance(merged[a].first, merged[b].first),
                  merged[a].second * merged[b].second * (a == b ? 1 : 2));
  return c;
}

Estimate PairedScores::estimate_of(const Combination& c, const Terms& terms, double level) const {
  Estimate estimate;
  estimate.value = c.value;
  estimate.examples = examples();
  estimate.seeds = seeds_;
  for (const auto& term : terms) estimate.seeds = std::min(estimate.seeds, present_[term.first]);
  if (c.seeds == 0 && examples_ < 2) {
    estimate.se = estimate.df = estimate.lo = estimate.hi = kNaN;
    return estimate;
  }
  const Spread spread = spread_of(c, Criticals(c.seeds, examples_, level));
  if (spread.se * spread.se <= 1e-24 * (1 + c.value * c.value)) {  // nothing varies that could tell
    estimate.se = 0;
    estimate.df = kInfinity;
    estimate.lo = estimate.hi = c.columns == 0 ? c.value : kNaN;
    return estimate;
  }
  estimate.se = spread.se;
  estimate.df = df_of_critical(spread.half / spread.se, level);
  estimate.lo = spread.centre - spread.half;
  estimate.hi = spread.centre + spread.half;
  return estimate;
}

Estimate PairedScores::linear(const Terms& terms, double level) const {
  return estimate_of(combine(terms), terms, level);
}

Estimate PairedScores::column(std::size_t column, double level) const {
  const Terms terms = {{column, 1.0}};
  const Combination c = combine(terms);
  Estimate estimate = estimate_of(c, terms, level);
  if (aggregated_ || std::isnan(estimate.se)) return estimate;
  auto worth = static_cast<double>(examples_);
  if (c.parts.pooled > 0) {  // the number of independent answers that leave as wide an interval
    const double centre = (estimate.lo + estimate.hi) / 2, half = (estimate.hi - estimate.lo) / 2;
    const double z = normal_quantile((1 + level) / 2);
    worth = std::max(centre * (1 - centre) * z * z / (half * half) - 4, 1.0);
  }
  const Interval interval = interval_of_share(estimate.value, worth, level);
  estimate.lo = interval.lo;
  estimate.hi = interval.hi;
  return estimate;
}

}  // namespace w2s
