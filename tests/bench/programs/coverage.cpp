// w2s_coverage [LEADERBOARDS]: how often intervals hold the truth and tests reject a true null.
//
// Simulates leaderboards whose population accuracies are known and prints the tables of docs/measures.md.
// The same numbers at every run. A model answers right where ability + seed + example + noise > 0: noise and
// the examples' easiness are standard normal, the seed's part has the standard deviation "seed noise", 30 %
// of its variance shared by all models of the seed.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <boost/math/distributions/normal.hpp>

#include "base/parallel.hpp"
#include "report/statistics.hpp"

namespace w2s {
namespace {

constexpr std::size_t kReplicates = 200;
constexpr double kShared = 0.3;

struct World {
  std::size_t seeds, examples;
  double seed_noise;
};

/// Columns of models with these accuracies, drawn from one world.
PairedScores draw(const World& world, const std::vector<double>& accuracies, std::mt19937_64& engine) {
  std::normal_distribution<double> normal;
  const double spread = std::sqrt(2 + world.seed_noise * world.seed_noise);
  std::vector<double> easiness(world.examples), shared(world.seeds);
  for (double& value : easiness) value = normal(engine);
  for (double& value : shared) value = world.seed_noise * std::sqrt(kShared) * normal(engine);
  std::vector<std::vector<std::vector<double>>> columns;
  for (const double accuracy : accuracies) {
    const bool certain = accuracy <= 0 || accuracy >= 1;
    const double ability =
        certain ? 1e9 * (accuracy - 0.5) : spread * boost::math::quantile(boost::math::normal(), accuracy);
    auto& column = columns.emplace_back();
    for (std::size_t s = 0; s < world.seeds; ++s) {
      const double own = ability + shared[s] + world.seed_noise * std::sqrt(1 - kShared) * normal(engine);
      auto& scores = column.emplace_back(world.examples);
      for (std::size_t i = 0; i < world.examples; ++i) scores[i] = own + easiness[i] + normal(engine) > 0;
    }
  }
  return PairedScores(std::move(columns));
}

bool holds(double lo, double hi, double truth) { return lo <= truth && truth <= hi; }

/// A share of trials; "–" where there were too few to tell.
std::string share(int count, int of) {
  return of < 50 ? "–" : fmt::format("{:.3f}", static_cast<double>(count) / of);
}

/// Of two models that are equally good: cells "mean", "mean: bootstrap", "false positives".
std::vector<std::string> measure_mean(const World& world, double accuracy, std::uint64_t seed, int trials) {
  std::mt19937_64 engine(seed);
  int mean = 0, bootstrap = 0, found = 0;
  for (int i = 0; i < trials; ++i) {
    const PairedScores scores = draw(world, {accuracy, accuracy}, engine);
    const Estimate score = scores.column(0);
    mean += holds(score.lo, score.hi, accuracy);
    const Interval plain = bootstrap_interval(Bootstrap(scores, kReplicates, engine()), 0);
    bootstrap += holds(plain.lo, plain.hi, accuracy);
    found += paired_test(scores, 0, 1).p < 0.05;
  }
  return {share(mean, trials), share(bootstrap, trials), share(found, trials)};
}

struct Trio {
  double floor, ceiling, student;
  double recovered() const { return (student - floor) / (ceiling - floor); }
};

/// Cells "defined", "with an interval", "it holds the truth".
std::vector<std::string> measure_ratio(const World& world, const Trio& trio, std::uint64_t seed, int trials) {
  std::mt19937_64 engine(seed);
  int defined = 0, shown = 0, held = 0;
  for (int i = 0; i < trials; ++i) {
    const Pgr found = pgr(draw(world, {trio.floor, trio.ceiling, trio.student}, engine), 0, 1, 2);
    if (!found.estimate) continue;
    ++defined;
    if (std::isnan(found.estimate->lo)) continue;
    ++shown;
    held += holds(found.estimate->lo, found.estimate->hi, trio.recovered());
  }
  return {share(defined, trials), share(shown, trials), share(held, shown)};
}

/// A line a world: the cells of all settings after one another.
template <class Setting, class Measure>
void print_table(const std::vector<World>& worlds, const std::vector<Setting>& settings, int trials,
                 const Measure& measure) {
  std::vector<std::vector<std::string>> cells(worlds.size() * settings.size());
  parallel_for(cells.size(), 1, [&](std::size_t i) {
    const World& world = worlds[i / settings.size()];
    const bool is_large = world.examples * world.seeds > 2500;
    cells[i] = measure(world, settings[i % settings.size()], i, std::max(is_large ? trials / 4 : trials, 1));
  });
  for (std::size_t w = 0; w < worlds.size(); ++w) {
    fmt::print("| {} | {} | {:.1f} |", worlds[w].seeds, worlds[w].examples, worlds[w].seed_noise);
    for (std::size_t k = 0; k < settings.size(); ++k)
      for (const std::string& cell : cells[w * settings.size() + k]) fmt::print(" {} |", cell);
    fmt::print("\n");
  }
}

int run(int trials) {
  std::vector<World> worlds;
  for (const std::size_t seeds : {1, 2, 3, 10})
    for (const std::size_t examples : {4, 50, 1000})
      for (const double seed_noise : {0.0, 0.1, 0.3})
        if (seeds > 1 || seed_noise == 0) worlds.push_back({seeds, examples, seed_noise});
  const std::vector<double> accuracies = {0, 0.02, 0.5, 1};
  fmt::print("| seeds | examples | noise |");
  for (const double accuracy : accuracies)
    fmt::print(" {0}: mean | {0}: bootstrap | {0}: false + |", accuracy);
  fmt::print("\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  print_table(worlds, accuracies, trials, measure_mean);
  const std::vector<Trio> trios = {{0.6, 0.8, 0.7}, {0.5, 0.98, 0.5}, {0.5, 1, 1}};
  fmt::print("\n| seeds | examples | noise |");
  for (const Trio& trio : trios)
    fmt::print(" {0}, {1}, {2}: defined | with interval | holds |", trio.floor, trio.ceiling, trio.student);
  fmt::print("\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  print_table(worlds, trios, trials, measure_ratio);
  return 0;
}

}  // namespace
}  // namespace w2s

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 2000;
  if (argc > 2 || trials < 1) {
    fmt::print(stderr, "usage: w2s_coverage [LEADERBOARDS]\n");
    return 2;
  }
  return w2s::run(trials);
}
