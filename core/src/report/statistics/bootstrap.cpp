#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "report/statistics.hpp"
#include "report/statistics/numbers.hpp"

namespace w2s {
namespace {

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

}  // namespace w2s
