#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <boost/math/distributions/binomial.hpp>

#include <w2s/error.hpp>

#include "report/statistics.hpp"
#include "report/statistics/numbers.hpp"
#include "report/statistics/quantiles.hpp"

namespace w2s {
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

void test_over_seeds(PairedTest& test) {
  const Estimate& d = test.difference;
  test.test = "paired t";
  if (d.se > 0)
    test.p = two_sided_p((d.lo + d.hi) / 2 / d.se, d.df);  // below 1 − level where the interval leaves out 0
  else if (std::abs(d.value) < 1e-12)
    test.p = 1;
  else
    test.test.clear();  // the same difference at every seed and example: no noise to test against
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
    test_over_seeds(test);
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
  using Plain = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  const boost::math::binomial_distribution<double, Plain> null(discordant, 0.5);
  return std::min(1.0, 2 * boost::math::cdf(null, fewer) - boost::math::pdf(null, fewer));
}

double smallest_detectable_difference(double se, double df, double alpha, double power) {
  // A smooth function of log df: between points 1 % apart a straight line is right to four digits.
  constexpr double kSpacing = 0.01, kMostDf = 1e6;
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
