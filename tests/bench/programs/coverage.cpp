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

std::string world_cells(const World& world) {
  return fmt::format("{} | {} | {:.2f}", world.seeds, world.examples, world.seed_noise);
}

/// Mean score, and the difference of two models that are equally good.
std::string measure_mean(const World& world, double accuracy, std::uint64_t seed, int trials) {
  std::mt19937_64 engine(seed);
  int mean = 0, bootstrap = 0, difference = 0, found = 0, found_bootstrap = 0;
  double width = 0;
  for (int i = 0; i < trials; ++i) {
    const PairedScores scores = draw(world, {accuracy, accuracy}, engine);
    const Bootstrap replicates(scores, kReplicates, engine());
    const Estimate score = scores.column(0);
    mean += holds(score.lo, score.hi, accuracy);
    width += (score.hi - score.lo) / trials;
    const Interval plain = bootstrap_interval(replicates, 0);
    bootstrap += holds(plain.lo, plain.hi, accuracy);
    const PairedTest test = paired_test(scores, 0, 1, &replicates);
    difference += holds(test.difference.lo, test.difference.hi, 0);
    found += test.p < 0.05;
    found_bootstrap += test.bootstrap_p < 0.05;
  }
  return fmt::format("| {} | {:.2f} | {} | {:.3f} | {} | {} | {} | {} |\n", world_cells(world), accuracy,
                     share(mean, trials), width, share(bootstrap, trials), share(difference, trials),
                     share(found, trials), share(found_bootstrap, trials));
}

struct Pair {
  double floor, ceiling, student;
  double recovered() const { return (student - floor) / (ceiling - floor); }
};

std::string measure_ratio(const World& world, const Pair& pair, std::uint64_t seed, int trials) {
  std::mt19937_64 engine(seed);
  int defined = 0, shown = 0, held = 0;
  for (int i = 0; i < trials; ++i) {
    const Pgr found = pgr(draw(world, {pair.floor, pair.ceiling, pair.student}, engine), 0, 1, 2);
    if (!found.estimate) continue;
    ++defined;
    if (std::isnan(found.estimate->lo)) continue;
    ++shown;
    held += holds(found.estimate->lo, found.estimate->hi, pair.recovered());
  }
  return fmt::format("| {} | {:.2f} | {:.2f} | {:.2f} | {} | {} | {} |\n", world_cells(world), pair.floor,
                     pair.ceiling, pair.student, share(defined, trials), share(shown, trials),
                     share(held, shown));
}

template <class Setting, class Measure>
void print_table(const std::vector<World>& worlds, const std::vector<Setting>& settings, int trials,
                 const Measure& measure) {
  std::vector<std::string> lines(worlds.size() * settings.size());
  parallel_for(lines.size(), 1, [&](std::size_t i) {
    const World& world = worlds[i / settings.size()];
    const int fewer = world.examples * world.seeds > 2500 ? trials / 4 : trials;
    lines[i] = measure(world, settings[i % settings.size()], i, std::max(fewer, 1));
  });
  for (const std::string& line : lines) fmt::print("{}", line);
}

int run(int trials) {
  std::vector<World> worlds;
  for (const std::size_t seeds : {1, 2, 3, 10})
    for (const std::size_t examples : {4, 50, 1000})
      for (const double seed_noise : {0.0, 0.1, 0.3})
        if (seeds > 1 || seed_noise == 0) worlds.push_back({seeds, examples, seed_noise});
  fmt::print(
      "| seeds | examples | seed noise | accuracy | mean | its width | mean: bootstrap | difference | "
      "false positives (one seed: McNemar) | paired bootstrap "
      "|\n|---|---|---|---|---|---|---|---|---|---|\n");
  print_table(worlds, std::vector<double>{0, 0.02, 0.5, 1}, trials, measure_mean);
  fmt::print(
      "\n| seeds | examples | seed noise | floor | ceiling | student | PGR defined | with an interval | it "
      "holds the truth |\n|---|---|---|---|---|---|---|---|---|\n");
  print_table(worlds, std::vector<Pair>{{0.6, 0.8, 0.7}, {0.66, 0.74, 0.7}, {0.5, 0.98, 0.5}, {0.5, 1, 1}},
              trials, measure_ratio);
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
