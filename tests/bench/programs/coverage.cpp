// w2s_coverage [LEADERBOARDS]: how often intervals hold the truth and paired tests reject a true null.
//
// Simulates leaderboards whose population accuracies are known and prints the table of docs/measures.md.
// The same numbers at every run. A model answers right where ability + seed + example + noise > 0: noise and
// the examples' easiness are standard normal, the seed's part has the standard deviation "seed noise", 30 %
// of its variance shared by all models of the seed. Floor, ceiling and two students of equal ability, whose
// true PGR is ½.
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

constexpr std::size_t kExamples = 500, kReplicates = 2000;
constexpr double kMiddle = 0.7, kShared = 0.3;
enum Column { kFloor, kCeiling, kStudent, kOther, kColumns };

struct World {
  std::size_t seeds;
  double seed_noise, gap;

  double accuracy(int column) const {
    return column == kFloor ? kMiddle - gap / 2 : column == kCeiling ? kMiddle + gap / 2 : kMiddle;
  }
};

PairedScores draw(const World& world, std::mt19937_64& engine) {
  std::normal_distribution<double> normal;
  const double spread = std::sqrt(2 + world.seed_noise * world.seed_noise);
  std::vector<double> easiness(kExamples), shared(world.seeds);
  for (double& value : easiness) value = normal(engine);
  for (double& value : shared) value = world.seed_noise * std::sqrt(kShared) * normal(engine);
  std::vector<std::vector<std::vector<double>>> columns(kColumns);
  for (int k = 0; k < kColumns; ++k) {
    const double ability = spread * boost::math::quantile(boost::math::normal(), world.accuracy(k));
    for (std::size_t s = 0; s < world.seeds; ++s) {
      const double own = ability + shared[s] + world.seed_noise * std::sqrt(1 - kShared) * normal(engine);
      auto& scores = columns[static_cast<std::size_t>(k)].emplace_back(kExamples);
      for (std::size_t i = 0; i < kExamples; ++i) scores[i] = own + easiness[i] + normal(engine) > 0;
    }
  }
  return PairedScores(std::move(columns));
}

template <class Range>
bool holds(const Range& range, double truth) {
  return range.lo <= truth && truth <= range.hi;
}

/// A line of the table.
std::string measure(const World& world, std::uint64_t seed, int leaderboards) {
  std::mt19937_64 engine(seed);
  int mean = 0, mean_bootstrap = 0, defined = 0, ratio = 0, ratio_bootstrap = 0, found = 0,
      found_bootstrap = 0;
  for (int i = 0; i < leaderboards; ++i) {
    const PairedScores scores = draw(world, engine);
    const Bootstrap bootstrap(scores, kReplicates, engine());
    mean += holds(scores.column(kStudent), kMiddle);
    mean_bootstrap += holds(bootstrap_interval(bootstrap, kStudent), kMiddle);
    if (const Pgr recovered = pgr(scores, kFloor, kCeiling, kStudent); recovered.estimate) {
      ++defined;
      ratio += holds(*recovered.estimate, 0.5);
      ratio_bootstrap += holds(bootstrap_pgr_interval(bootstrap, kFloor, kCeiling, kStudent), 0.5);
    }
    const PairedTest test = paired_test(scores, kStudent, kOther, &bootstrap);
    found += test.p < 0.05;
    found_bootstrap += test.bootstrap_p < 0.05;
  }
  const auto share = [](int count, int of) { return static_cast<double>(count) / of; };
  return fmt::format(
      "| {} | {:.2f} | {:.2f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} |\n",
      world.seeds, world.seed_noise, world.gap, share(mean, leaderboards),
      share(mean_bootstrap, leaderboards), share(defined, leaderboards), share(ratio, defined),
      share(ratio_bootstrap, defined), share(found, leaderboards), share(found_bootstrap, leaderboards));
}

int run(int leaderboards) {
  std::vector<World> worlds = {{1, 0.00, 0.20}, {1, 0.00, 0.08}};
  for (const std::size_t seeds : {3, 5})
    for (const double seed_noise : {0.00, 0.05, 0.10, 0.30})
      for (const double gap : {0.20, 0.08}) worlds.push_back({seeds, seed_noise, gap});
  std::vector<std::string> lines(worlds.size());
  parallel_for(worlds.size(), 1, [&](std::size_t i) { lines[i] = measure(worlds[i], i, leaderboards); });
  fmt::print(
      "| seeds | seed noise | gap | mean: t | mean: bootstrap | PGR defined | PGR: t | PGR: bootstrap "
      "| false positives, paired t (one seed: McNemar) | paired bootstrap |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n");
  for (const std::string& line : lines) fmt::print("{}", line);
  return 0;
}

}  // namespace
}  // namespace w2s

int main(int argc, char** argv) {
  const int leaderboards = argc > 1 ? std::atoi(argv[1]) : 2000;
  if (argc > 2 || leaderboards < 1) {
    fmt::print(stderr, "usage: w2s_coverage [LEADERBOARDS]\n");
    return 2;
  }
  return w2s::run(leaderboards);
}
