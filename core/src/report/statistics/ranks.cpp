#include <algorithm>
#include <cmath>

#include "report/statistics.hpp"

namespace w2s {

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

}  // namespace w2s
