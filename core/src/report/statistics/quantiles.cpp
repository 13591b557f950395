#include "report/statistics/quantiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/tools/roots.hpp>

namespace w2s {
namespace {

constexpr double kMostDf = 1e6;  // beyond, t is the normal distribution to 6 digits

// Double precision throughout: Boost's default computes in long double, eight times as long.
using Plain = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using Normal = boost::math::normal_distribution<double, Plain>;
using StudentsT = boost::math::students_t_distribution<double, Plain>;
using NonCentralT = boost::math::non_central_t_distribution<double, Plain>;

/// Two-sided quantiles of t over a grid of log df; they fall as df grows.
std::vector<double> critical_values(double level, double spacing) {
  std::vector<double> values;
  for (double place = 0; place <= std::log(kMostDf); place += spacing)
    values.push_back(t_quantile(std::exp(place), (1 + level) / 2));
  return values;
}

/// P(X ≥ right), the count itself by half, of n answers that are right with probability p.
double mid_tail(double right, double n, double p) {
  const double at_least = boost::math::ibeta(right, n - right + 1, p, Plain());
  const double more = right < n ? boost::math::ibeta(right + 1, n - right, p, Plain()) : 0;
  return (at_least + more) / 2;
}

}  // namespace

double t_quantile(double df, double probability) {
  return boost::math::quantile(StudentsT(std::min(df, kMostDf)), probability);
}

double normal_quantile(double probability) { return boost::math::quantile(Normal(), probability); }

double two_sided_p(double t, double df) {
  const StudentsT null(std::min(df, kMostDf));
  return 2 * boost::math::cdf(boost::math::complement(null, std::abs(t)));
}

double df_of_critical(double critical, double level) {
  // A smooth function of log df: between points 1 % apart a straight line is right to five digits.
  constexpr double kSpacing = 0.01;
  thread_local std::map<double, std::vector<double>> known;
  std::vector<double>& values = known[level];
  if (values.empty()) values = critical_values(level, kSpacing);
  if (critical >= values.front()) return 1;
  if (critical <= values.back()) return std::numeric_limits<double>::infinity();
  const auto after = std::lower_bound(values.begin(), values.end(), critical, std::greater<>());
  const double above = *(after - 1), share = (above - critical) / (above - *after);
  return std::exp((static_cast<double>(after - 1 - values.begin()) + share) * kSpacing);
}

double binomial_lower_bound(double right, double n, double tail) {
  if (right <= 0) return 0;
  std::uintmax_t steps = 60;
  const auto surplus = [&](double p) { return mid_tail(right, n, p) - tail; };
  const auto bracket =
      boost::math::tools::toms748_solve(surplus, 0.0, 1.0, -tail, (right < n ? 1 : 0.5) - tail,
                                        boost::math::tools::eps_tolerance<double>(40), steps);
  return (bracket.first + bracket.second) / 2;
}

double detectable_shift(double df, double alpha, double power) {
  const double critical = t_quantile(df, 1 - alpha / 2);
  const auto surplus = [&](double shift) {  // the far tail is below 1e-3 of the power and left out
    return boost::math::cdf(boost::math::complement(NonCentralT(std::min(df, kMostDf), shift), critical)) -
           power;
  };
  std::uintmax_t steps = 50;
  const double guess = critical + t_quantile(df, power);
  const auto bracket = boost::math::tools::bracket_and_solve_root(
      surplus, guess, 1.2, true, boost::math::tools::eps_tolerance<double>(20), steps);
  return (bracket.first + bracket.second) / 2;
}

}  // namespace w2s
