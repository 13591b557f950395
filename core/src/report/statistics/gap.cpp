#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "report/statistics.hpp"
#include "report/statistics/numbers.hpp"

namespace w2s {
namespace {

constexpr double kFarthest = 1e4;  // an interval that reaches as far is none

/// Where `inside` ends between a point that is and the points beyond it; NaN where it goes on for ever.
template <class Inside>
double end_of(double start, double direction, const Inside& inside) {
  double within = start, step = 0.05;
  double beyond = start + direction * step;
  while (inside(beyond)) {
    if (std::abs(beyond) > kFarthest) return kNaN;
    within = beyond;
    step *= 2;
    beyond += direction * step;
  }
  for (int i = 0; i < 36; ++i) {
    const double middle = (within + beyond) / 2;
    (inside(middle) ? within : beyond) = middle;
  }
  return within;
}

/// Is the gap of one seed at least 2 standard errors, over the choice of test examples?
bool is_clear(std::span<const double> low, std::span<const double> high, double own, double se_of_seed) {
  const auto n = static_cast<double>(low.size());
  if (low.size() < 2) return own > 0 && own >= 2 * se_of_seed;
  Combination c;
  c.value = own;
  c.squares = 2;
  c.columns = 2;
  c.most_seeds = 1;
  c.examples = low.size();
  for (std::size_t i = 0; i < low.size(); ++i) {
    const double deviation = high[i] - low[i] - own;
    c.parts.pooled += deviation * deviation / n;
  }
  c.parts.examples = c.parts.pooled / (n - 1);
  return own > 0 && own >= 2 * spread_of(c, Criticals(0, c.examples, 0.95)).se;
}

/// gain − ratio · gap, of which `difference` is that with ratio 1: covariances are quadratic in the ratio.
Combination remainder(const Combination& gain, const Combination& gap, const Combination& difference,
                      double ratio) {
  Combination c = gain;
  c.value -= ratio * gap.value;
  c.sum = 0;
  c.squares = 1 + (1 - ratio) * (1 - ratio) + ratio * ratio;
  c.columns = 3;
  // 2 cov(gain, gap) = var(gain) + var(gap) − var(difference)
  c.parts = VarianceParts();
  c.parts.add(gain.parts, 1 - ratio).add(gap.parts, ratio * ratio - ratio).add(difference.parts, ratio);
  return c;
}

}  // namespace

Gap::Gap(const PairedScores& scores, std::size_t floor, std::size_t ceiling, double level)
    : scores_(scores),
      floor_(floor),
      ceiling_(ceiling),
      level_(level),
      estimate_(scores.linear({{ceiling, 1.0}, {floor, -1.0}}, level)),
      clear_(scores.seeds()) {
  const double gap = estimate_.value, se = estimate_.se;
  if (std::isnan(se)) {
    reason_ = fmt::format(
        "undefined: ceiling − floor = {:.3f} has no standard error (one seed and no "
        "per-example scores)",
        gap);
  } else if (!(gap > 0 && gap >= 2 * se)) {
    reason_ = fmt::format("undefined: ceiling − floor = {:.3f} ± {:.3f} is not clearly positive", gap, se);
  }
  const double se_of_seed = se * std::sqrt(static_cast<double>(estimate_.seeds));
  for (std::size_t s = 0; s < scores.seeds(); ++s) {
    if (!scores.has(floor, s) || !scores.has(ceiling, s)) continue;
    const double own = scores.seed_mean(ceiling, s) - scores.seed_mean(floor, s);
    clear_[s] = is_clear(scores.scores(floor, s), scores.scores(ceiling, s), own, se_of_seed);
  }
}

Pgr Gap::pgr(std::size_t student) const {
  Pgr result;
  result.gap = estimate_;
  result.reason = reason_;
  result.per_seed.resize(scores_.seeds());
  for (std::size_t s = 0; s < scores_.seeds(); ++s) {
    if (!clear_[s] || !scores_.has(student, s)) continue;
    const double low = scores_.seed_mean(floor_, s);
    result.per_seed[s] = (scores_.seed_mean(student, s) - low) / (scores_.seed_mean(ceiling_, s) - low);
  }
  if (!reason_.empty()) return result;
  const double gap = estimate_.value, value = (scores_.mean(student) - scores_.mean(floor_)) / gap;
  // d PGR = (d student − (1 − PGR) d floor − PGR d ceiling) / gap
  result.estimate =
      scores_.linear({{student, 1 / gap}, {floor_, (value - 1) / gap}, {ceiling_, -value / gap}}, level_);
  result.estimate->value = value;
  set_interval(result, student);
  return result;
}

void Gap::set_interval(Pgr& result, std::size_t student) const {
  Estimate& pgr = *result.estimate;
  pgr.lo = pgr.hi = kNaN;
  if (std::isnan(estimate_.lo)) {
    result.no_interval =
        "has no interval: every seed has the same numbers, and there are no per-example scores";
    return;
  }
  // Ratios r for which student − floor − r (ceiling − floor) may be 0 (Fieller 1954).
  const Combination gain = scores_.combine({{student, 1.0}, {floor_, -1.0}, {ceiling_, 0.0}});
  const Combination gap = scores_.combine({{ceiling_, 1.0}, {floor_, -1.0}, {student, 0.0}});
  const Combination both = scores_.combine({{student, 1.0}, {ceiling_, -1.0}});  // gain − gap
  const Criticals criticals(gain.seeds, gain.examples, level_);
  const auto may_be = [&](double ratio) {
    const Spread spread = spread_of(remainder(gain, gap, both, ratio), criticals);
    return std::abs(spread.centre) <= spread.half;
  };
  if (estimate_.lo > 0) {
    pgr.lo = end_of(pgr.value, -1, may_be);
    pgr.hi = end_of(pgr.value, 1, may_be);
  }
  if (!std::isnan(pgr.lo) && !std::isnan(pgr.hi)) return;
  pgr.lo = pgr.hi = kNaN;
  result.no_interval =
      estimate_.lo > 0
          ? "has no interval: it would have no end"
          : fmt::format("has no interval: that of ceiling − floor = {:.3f}, [{:.3f}, {:.3f}], holds 0",
                        estimate_.value, estimate_.lo, estimate_.hi);
}

Pgr pgr(const PairedScores& scores, std::size_t floor, std::size_t ceiling, std::size_t student,
        double level) {
  return Gap(scores, floor, ceiling, level).pgr(student);
}

}  // namespace w2s
