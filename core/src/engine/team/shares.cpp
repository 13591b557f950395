#include "engine/team/shares.hpp"

#include <algorithm>
#include <numeric>

namespace w2s {

std::vector<std::vector<std::int64_t>> shares(const std::vector<std::int64_t>& costs, std::int64_t count,
                                              bool padded) {
  std::vector<std::int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  const auto cost = [&](std::int64_t i) { return costs[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost(a) > cost(b); });

  const auto cut = [&](std::int64_t most) {
    std::vector<std::vector<std::int64_t>> runs;
    std::int64_t sum = 0;
    for (const std::int64_t i : order) {
      const std::int64_t with = runs.empty() ? 0
                                : padded
                                    ? cost(runs.back()[0]) * static_cast<std::int64_t>(runs.back().size() + 1)
                                    : sum + cost(i);
      if (runs.empty() || with > most) {
        runs.emplace_back();
        sum = 0;
      }
      runs.back().push_back(i);
      sum += cost(i);
    }
    return runs;
  };
  std::int64_t low = 0, high = 0;  // the dearest run costs more than low, and at most high suffices
  for (const std::int64_t c : costs) high += c;
  if (padded && !order.empty()) high = cost(order[0]) * static_cast<std::int64_t>(order.size());
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (static_cast<std::int64_t>(cut(middle).size()) <= count ? high : low) = middle;
  }
  std::vector<std::vector<std::int64_t>> runs = cut(high);
  runs.resize(static_cast<std::size_t>(count));
  return runs;
}

Range range_of(std::int64_t rows, std::int64_t rank, std::int64_t count) {
  return {rows * rank / count, rows * (rank + 1) / count};
}

}  // namespace w2s
