#include "report/statistics/variance.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "report/statistics/quantiles.hpp"

namespace w2s {
namespace {

/// How much of the interaction is taken from the seeds' part: all of it would be unbiased and leaves, with
/// few seeds, intervals that are too narrow (docs/measures.md). Of two seeds nothing can be taken.
constexpr double kInteractionTaken = 0.4;

/// Scores added to a column, and to a combination of several (Agresti and Coull 1998, Agresti and Min 2005).
constexpr double kAddedToColumn = 4, kAddedToCombination = 2;

struct Examples {
  double centre, variance;  // of the mean
};

/// As many independent scores as have the variance of the examples' means: from N, where seeds only repeat
/// each other, to N times the seeds.
double effective_scores(const Combination& c) {
  const auto n = static_cast<double>(c.examples);
  const double least = c.parts.pooled * 1e-12;
  if (!(c.parts.pooled > 0) || c.parts.examples <= least) return n;
  return std::clamp(c.parts.pooled / c.parts.examples * n / (n - 1), n,
                    n * static_cast<double>(c.most_seeds));
}

Examples with_added_scores(const Combination& c) {
  if (c.examples < 2) return {c.value, 0};
  const double n = effective_scores(c), added = c.columns > 1 ? kAddedToCombination : kAddedToColumn;
  const double middle = c.sum / 2, centre = (n * c.value + added * middle) / (n + added);
  const double moved = c.value - centre, away = middle - centre;
  const double squares = n * (c.parts.pooled + moved * moved) + added * (c.squares / 4 + away * away);
  return {centre, squares / ((n + added) * (n + added))};
}

}  // namespace

VarianceParts& VarianceParts::add(const VarianceParts& other, double times) {
  seeds += times * other.seeds;
  examples += times * other.examples;
  interaction += times * other.interaction;
  pooled += times * other.pooled;
  return *this;
}

Criticals::Criticals(std::size_t seeds, std::size_t examples, double level) {
  thread_local std::map<std::tuple<std::size_t, std::size_t, double>, Criticals> known;
  const auto [it, is_new] = known.try_emplace({seeds, examples, level});
  if (is_new) {
    const double probability = (1 + level) / 2;
    if (seeds > 1) it->second.of_seeds_ = t_quantile(static_cast<double>(seeds - 1), probability);
    it->second.of_examples_ = seeds > 1 && examples > 1
                                  ? t_quantile(static_cast<double>(examples - 1), probability)
                                  : normal_quantile(probability);
  }
  *this = it->second;
}

Spread spread_of(const Combination& c, const Criticals& criticals) {
  const Examples examples = with_added_scores(c);
  const double taken = c.seeds > 2 ? kInteractionTaken : 0;
  const double seeds = std::max(c.parts.seeds - taken * c.parts.interaction, 0.0);
  const double from_seeds = criticals.of_seeds() * criticals.of_seeds() * seeds;
  const double from_examples = criticals.of_examples() * criticals.of_examples() * examples.variance;
  Spread spread;
  spread.centre = examples.centre;
  spread.half = std::sqrt(from_seeds + from_examples);
  spread.se = std::sqrt(std::max(
      {c.parts.seeds + examples.variance - c.parts.interaction, c.parts.seeds, examples.variance, 0.0}));
  return spread;
}

}  // namespace w2s
