#include "report/leaderboard/order.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "report/leaderboard/code_version.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What the rows are sorted by, larger first; NaN last.
double sort_value(const Row& row, const LeaderboardOptions& options) {
  const std::string& sort = options.sort;
  const double sign = higher_is_better(options.metric) ? 1 : -1;
  if (sort == "pgr") return row.pgr.estimate ? row.pgr.estimate->value : sign * row.student.value;
  if (sort == "score") return sign * row.student.value;
  if (sort == "p") return -row.p_holm;
  if (sort == "rank") return -row.rank;
  if (sort == "seeds") return static_cast<double>(row.seeds.size());
  if (sort == "difference")
    return row.compared_with.empty() ? kUnknown : sign * row.comparison.difference.value;
  if (sort == "seconds") return row.cost.count(sort) > 0 ? -row.cost.at(sort) : kUnknown;
  const auto it = row.supervision.find(sort);
  if (it == row.supervision.end()) return kUnknown;
  return higher_is_better(sort) ? it->second : -it->second;
}

bool comes_before(const Row& a, const Row& b, const LeaderboardOptions& options) {
  if (options.sort == "none") return false;
  if (options.sort == "name") return std::tie(a.method, a.variant) < std::tie(b.method, b.variant);
  const double x = sort_value(a, options), y = sort_value(b, options);
  if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
  return x > y;
}

/// Stable; moves each of the large rows once.
template <class Before>
void reorder(std::vector<Row>& rows, const Before& before) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return before(rows[a], rows[b]); });
  if (std::is_sorted(order.begin(), order.end())) return;
  std::vector<Row> sorted;
  sorted.reserve(rows.size());
  for (const std::size_t place : order) sorted.push_back(std::move(rows[place]));
  rows = std::move(sorted);
}

std::string field(const Row& row, const std::string& name, const SweepKeys& keys) {
  if (name == "task") return row.task;
  if (name == "pair") return row.weak + " → " + row.strong;
  if (name == "weak") return row.weak;
  if (name == "strong") return row.strong;
  if (name == "method") return row.method;
  if (name == "origin") return row.origin;
  if (name == "protocol") return short_digest(row.protocol);
  if (name == "seed") return row.seed ? std::to_string(*row.seed) : "";
  const auto it = row.variant.find(keys.ending_in(name)[0]);
  return it == row.variant.end() ? "–" : sweep_value_text(*it);
}

}  // namespace

void sort_rows(std::vector<Row>& rows, const LeaderboardOptions& options) {
  reorder(rows, [&](const Row& a, const Row& b) {
    if (options.by.empty() && a.block != b.block) return a.block < b.block;
    return options.reverse ? comes_before(b, a, options) : comes_before(a, b, options);
  });
}

void group_rows(std::vector<Row>& rows, const Selection& selection) {
  if (selection.options().by.empty()) return;
  std::map<std::vector<std::string>, std::size_t> first_block;
  for (Row& row : rows) {
    for (const std::string& name : selection.options().by)
      row.group.push_back(field(row, name, selection.sweep_keys()));
    const auto [it, is_new] = first_block.emplace(row.group, row.block);
    it->second = std::min(it->second, row.block);
  }
  reorder(rows, [&](const Row& a, const Row& b) {
    const std::size_t x = first_block.at(a.group), y = first_block.at(b.group);
    return x != y ? x < y : a.group < b.group;
  });
}

}  // namespace w2s
