#include "report/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <tuple>

#include <fmt/format.h>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/roots.hpp>

#include <w2s/error.hpp>

namespace w2s {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMostDf = 1e6;  // beyond, t is the normal distribution to 6 digits

// Double precision throughout: Boost's default computes in long double, eight times as long.
using Plain = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using StudentsT = boost::math::students_t_distribution<double, Plain>;
using NonCentralT = boost::math::non_central_t_distribution<double, Plain>;
using Binomial = boost::math::binomial_distribution<double, Plain>;

double t_quantile(double df, double probability) {
  return boost::math::quantile(StudentsT(std::min(df, kMostDf)), probability);
}

double two_sided_p(double t, double df) {
  const StudentsT null(std::min(df, kMostDf));
  return 2 * boost::math::cdf(boost::math::complement(null, std::abs(t)));
}

/// Uniform draws below a bound from 32-bit halves of the engine's words (Lemire 2019, with rejection).
class BoundedDraws {
 public:
  explicit BoundedDraws(std::uint64_t seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = static_cast<std::uint64_t>(half()) * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0u - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold)
        product = static_cast<std::uint64_t>(half()) * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  std::uint32_t half() {
    has_half_ = !has_half_;
    if (has_half_) {
      word_ = engine_();
      return static_cast<std::uint32_t>(word_);
    }
    return static_cast<std::uint32_t>(word_ >> 32);
  }

  std::mt19937_64 engine_;
  std::uint64_t word_ = 0;
  bool has_half_ = false;
};

/// In four sums, so that the additions need not wait for each other.
double sum_of_squares(const std::vector<double>& values) {
  constexpr std::size_t kLanes = 4;
  double sums[kLanes] = {};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t j = 0; j < kLanes; ++j) sums[j] += values[i + j] * values[i + j];
  double total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (std::size_t i = whole; i < values.size(); ++i) total += values[i] * values[i];
  return total;
}

Interval percentiles(std::vector<double> values, double level) {
  const auto at = [&](double probability) {
    const double position = probability * static_cast<double>(values.size() - 1);
    const auto index = static_cast<std::ptrdiff_t>(std::llround(position));
    std::nth_element(values.begin(), values.begin() + index, values.end());
    return values[static_cast<std::size_t>(index)];
  };
  const double tail = (1 - level) / 2;
  return {at(tail), at(1 - tail)};
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

Estimate PairedScores::linear(const Terms& terms, double level) const {
  Estimate estimate;
  estimate.examples = examples();
  estimate.seeds = seeds_;
  std::size_t fewest_replicated = seeds_ + 1;  // of the columns with at least two seeds
  for (const auto& [k, coefficient] : terms) {
    estimate.value += coefficient * means_[k];
    estimate.seeds = std::min(estimate.seeds, present_[k]);
    if (present_[k] > 1) fewest_replicated = std::min(fewest_replicated, present_[k]);
  }
  const bool seeds_vary = fewest_replicated <= seeds_;
  const double n = static_cast<double>(examples_);

  // √(S_k (S_k − 1)) turns a column's sum of squared deviations into the variance of its mean.
  std::vector<double> scale(terms.size(), 0);
  for (std::size_t j = 0; j < terms.size(); ++j) {
    const double s = static_cast<double>(present_[terms[j].first]);
    if (s > 1) scale[j] = terms[j].second / std::sqrt(s * (s - 1));
  }

  double from_seeds = 0, from_examples = 0, interaction = 0;
  for (std::size_t s = 0; s < seeds_; ++s) {
    double deviation = 0;
    for (std::size_t j = 0; j < terms.size(); ++j)
      if (const std::size_t k = terms[j].first; has(k, s))
        deviation += scale[j] * (seed_means_[k][s] - means_[k]);
    from_seeds += deviation * deviation;
  }
  if (examples_ > 1) {
    std::vector<double> residual(examples_, 0.0);
    for (const auto& [k, coefficient] : terms) {
      const double c = coefficient, center = means_[k];
      const double* mean = example_means_[k].data();
      for (std::size_t i = 0; i < examples_; ++i) residual[i] += c * (mean[i] - center);
    }
    from_examples = sum_of_squares(residual) / (n * (n - 1));
    for (std::size_t s = 0; s < seeds_ && seeds_vary; ++s) {
      std::fill(residual.begin(), residual.end(), 0.0);
      for (std::size_t j = 0; j < terms.size(); ++j) {
        const std::size_t k = terms[j].first;
        if (!has(k, s)) continue;
        const double c = scale[j], shift = means_[k] - seed_means_[k][s];
        const double* score = scores_[k][s].data();
        const double* mean = example_means_[k].data();
        for (std::size_t i = 0; i < examples_; ++i) residual[i] += c * (score[i] - mean[i] + shift);
      }
      interaction += sum_of_squares(residual);
    }
    interaction /= n * (n - 1);
  }

  if (!seeds_vary && examples_ < 2) {
    estimate.se = estimate.df = estimate.lo = estimate.hi = kNaN;
    return estimate;
  }
  const double variance = std::max({from_seeds + from_examples - interaction, from_seeds, from_examples});
  estimate.se = std::sqrt(variance);
  if (variance <= 1e-24 * (1 + estimate.value * estimate.value)) {
    estimate.se = 0;
    estimate.df = kInfinity;
    estimate.lo = estimate.hi = estimate.value;
    return estimate;
  }
  double spread = examples_ > 1 ? from_examples * from_examples / (n - 1) : 0;
  if (seeds_vary) spread += from_seeds * from_seeds / static_cast<double>(fewest_replicated - 1);
  estimate.df = std::max(1.0, variance * variance / spread);
  const double half = t_quantile(estimate.df, (1 + level) / 2) * estimate.se;
  estimate.lo = estimate.value - half;
  estimate.hi = estimate.value + half;
  return estimate;
}

Estimate PairedScores::column(std::size_t column, double level) const {
  Estimate estimate = linear({{column, 1.0}}, level);
  if (aggregated_) return estimate;
  estimate.lo = std::max(estimate.lo, 0.0);
  estimate.hi = std::min(estimate.hi, 1.0);
  const double least = std::pow((1 - level) / 2, 1.0 / static_cast<double>(examples_));
  if (estimate.value == 1) estimate.lo = least;
  if (estimate.value == 0) estimate.hi = 1 - least;
  return estimate;
}

Bootstrap::Bootstrap(const PairedScores& scores, std::size_t replicates, std::uint64_t seed)
    : columns_(scores.columns()), replicates_(replicates), draws_(replicates * scores.columns()) {
  constexpr std::size_t kLane = 4;
  const std::size_t n = scores.examples_, seeds = scores.seeds_,
                    wide = (columns_ + kLane - 1) / kLane * kLane;
  std::vector<double> table(n * wide, 0.0),
      sums(wide);  // deviations of the examples' means, one row an example
  for (std::size_t k = 0; k < columns_; ++k)
    for (std::size_t i = 0; i < n; ++i) table[i * wide + k] = scores.example_means_[k][i] - scores.means_[k];

  BoundedDraws draws(seed);
  std::vector<std::uint16_t> count(n);
  std::vector<std::uint32_t> times(seeds);
  for (std::size_t r = 0; r < replicates; ++r) {
    double* replicate = &draws_[r * columns_];
    for (bool drawn = false; !drawn;) {  // again where a column has none of the drawn seeds
      std::fill(times.begin(), times.end(), 0u);
      for (std::size_t s = 0; s < seeds; ++s) ++times[draws.below(static_cast<std::uint32_t>(seeds))];
      drawn = true;
      for (std::size_t k = 0; k < columns_ && drawn; ++k) {
        const double present = static_cast<double>(scores.present_[k]);
        double total = 0, deviation = 0;
        for (std::size_t s = 0; s < seeds; ++s)
          if (times[s] > 0 && scores.has(k, s)) {
            total += times[s];
            deviation += times[s] * (scores.seed_means_[k][s] - scores.means_[k]);
          }
        drawn = total > 0;
        const double scale = present > 1 ? std::sqrt(present / (present - 1)) : 0;
        replicate[k] = scores.means_[k] + (drawn ? scale * deviation / total : 0);
      }
    }
    std::fill(count.begin(), count.end(), std::uint16_t{0});
    for (std::size_t i = 0; i < n; ++i) ++count[draws.below(static_cast<std::uint32_t>(n))];
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      if (count[i] == 0) continue;
      const double weight = count[i];
      const double* row = &table[i * wide];
      for (std::size_t k = 0; k < wide; k += kLane)
        for (std::size_t j = 0; j < kLane; ++j) sums[k + j] += weight * row[k + j];
    }
    for (std::size_t k = 0; k < columns_; ++k) replicate[k] += sums[k] / static_cast<double>(n);
  }
}

Interval bootstrap_interval(const Bootstrap& bootstrap, std::size_t column, double level) {
  std::vector<double> values(bootstrap.replicates());
  for (std::size_t r = 0; r < values.size(); ++r) values[r] = bootstrap.draw(r, column);
  return percentiles(std::move(values), level);
}

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

  for (std::size_t s = 0; s < scores.seeds(); ++s) {
    if (!scores.has(floor, s) || !scores.has(ceiling, s)) continue;
    const double own = scores.seed_mean(ceiling, s) - scores.seed_mean(floor, s);
    const auto low = scores.scores(floor, s), high = scores.scores(ceiling, s);
    double squares = 0;
    for (std::size_t i = 0; i < low.size(); ++i) {
      const double deviation = high[i] - low[i] - own;
      squares += deviation * deviation;
    }
    const auto n = static_cast<double>(low.size());
    const double own_se =
        n > 1 ? std::sqrt(squares / (n * (n - 1))) : se * std::sqrt(static_cast<double>(estimate_.seeds));
    clear_[s] = own > 0 && own >= 2 * own_se;
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
  Estimate& pgr = result.estimate.emplace(
      scores_.linear({{student, 1 / gap}, {floor_, (value - 1) / gap}, {ceiling_, -value / gap}}, level_));
  pgr.lo += value - pgr.value;
  pgr.hi += value - pgr.value;
  pgr.value = value;
  return result;
}

Pgr pgr(const PairedScores& scores, std::size_t floor, std::size_t ceiling, std::size_t student,
        double level) {
  return Gap(scores, floor, ceiling, level).pgr(student);
}

Interval bootstrap_pgr_interval(const Bootstrap& bootstrap, std::size_t floor, std::size_t ceiling,
                                std::size_t student, double level) {
  std::vector<double> values(bootstrap.replicates());
  for (std::size_t r = 0; r < values.size(); ++r) {
    const double gap = bootstrap.draw(r, ceiling) - bootstrap.draw(r, floor);
    const double gain = bootstrap.draw(r, student) - bootstrap.draw(r, floor);
    values[r] = gap > 0 ? gain / gap : gain > 0 ? kInfinity : -kInfinity;
  }
  return percentiles(std::move(values), level);
}

namespace {

/// Mean(a) − mean(b) on their common seeds, of which there is at least one.
Estimate paired_difference(const PairedScores& all, std::size_t a, std::size_t b,
                           const std::vector<std::size_t>& common) {
  if (all.seeds_of(a) == common.size() && all.seeds_of(b) == common.size())
    return all.linear({{a, 1.0}, {b, -1.0}});
  std::vector<std::vector<std::vector<double>>> columns(2);
  for (const std::size_t s : common) {
    columns[0].emplace_back(all.scores(a, s).begin(), all.scores(a, s).end());
    columns[1].emplace_back(all.scores(b, s).begin(), all.scores(b, s).end());
  }
  return PairedScores(std::move(columns), all.examples() == 0).linear({{0, 1.0}, {1, -1.0}});
}

}  // namespace

PairedTest paired_test(const PairedScores& all, std::size_t a, std::size_t b, const Bootstrap* bootstrap) {
  std::vector<std::size_t> common;  // seeds
  for (std::size_t s = 0; s < all.seeds(); ++s)
    if (all.has(a, s) && all.has(b, s)) common.push_back(s);
  PairedTest test;
  test.p = test.bootstrap_p = test.detectable = kNaN;
  if (common.empty()) {
    test.difference.value = test.difference.se = test.difference.df = test.difference.lo =
        test.difference.hi = kNaN;
    return test;
  }
  test.difference = paired_difference(all, a, b, common);
  const Estimate& d = test.difference;
  if (std::isnan(d.se)) return test;
  if (d.se > 0) test.detectable = smallest_detectable_difference(d.se, d.df);

  if (common.size() == 1) {
    test.test = "mcnemar mid-p";
    test.p = mcnemar_mid_p(all.scores(a, common[0]), all.scores(b, common[0]));
  } else {
    test.test = "paired t";
    if (d.se > 0)
      test.p = two_sided_p(d.value / d.se, d.df);
    else if (std::abs(d.value) < 1e-12)
      test.p = 1;
    else
      test.test.clear();  // the same difference at every seed and example: no noise to test against
  }
  if (bootstrap && all.seeds_of(a) == common.size() && all.seeds_of(b) == common.size()) {
    std::size_t as_far = 0;
    for (std::size_t r = 0; r < bootstrap->replicates(); ++r)
      as_far += std::abs(bootstrap->draw(r, a) - bootstrap->draw(r, b) - d.value) >= std::abs(d.value);
    test.bootstrap_p = static_cast<double>(as_far + 1) / static_cast<double>(bootstrap->replicates() + 1);
  }
  return test;
}

double mcnemar_mid_p(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw Error(fmt::format("McNemar: {} scores against {}", a.size(), b.size()));
  double only_a = 0, only_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    only_a += a[i] > b[i];
    only_b += b[i] > a[i];
  }
  const double fewer = std::min(only_a, only_b), discordant = only_a + only_b;
  if (discordant == 0) return 1;
  const Binomial null(discordant, 0.5);
  return std::min(1.0, 2 * boost::math::cdf(null, fewer) - boost::math::pdf(null, fewer));
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted = p;
  double largest = 0;
  for (std::size_t j = 0; j < order.size(); ++j) {
    largest = std::max(largest, std::min(1.0, p[order[j]] * static_cast<double>(order.size() - j)));
    adjusted[order[j]] = largest;
  }
  return adjusted;
}

std::vector<double> midranks(const std::vector<double>& values) {
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    double above = 0, equal = 0;
    for (const double other : values) {
      above += other > values[i];
      equal += other == values[i];
    }
    ranks[i] = above + (equal + 1) / 2;
  }
  return ranks;
}

namespace {

/// The shift, in standard errors, that a two-sided t test finds with this power.
double detectable_shift(double df, double alpha, double power) {
  const double critical = t_quantile(df, 1 - alpha / 2);
  const auto surplus = [&](double shift) {  // the far tail is below 1e-3 of the power and left out
    return boost::math::cdf(boost::math::complement(NonCentralT(df, shift), critical)) - power;
  };
  std::uintmax_t steps = 50;
  const double guess = critical + t_quantile(df, power);
  const auto bracket = boost::math::tools::bracket_and_solve_root(
      surplus, guess, 1.2, true, boost::math::tools::eps_tolerance<double>(20), steps);
  return (bracket.first + bracket.second) / 2;
}

}  // namespace

double smallest_detectable_difference(double se, double df, double alpha, double power) {
  // A smooth function of log df: between points 1 % apart a straight line is right to four digits.
  constexpr double kSpacing = 0.01;
  thread_local std::map<std::tuple<double, double, std::int64_t>, double> known;
  const double place = std::log(std::clamp(df, 1.0, kMostDf)) / kSpacing, below = std::floor(place);
  const auto at = [&](double point) {
    const auto [it, is_new] = known.try_emplace({alpha, power, static_cast<std::int64_t>(point)});
    if (is_new) it->second = detectable_shift(std::exp(point * kSpacing), alpha, power);
    return it->second;
  };
  return se * std::lerp(at(below), at(below + 1), place - below);
}

}  // namespace w2s
