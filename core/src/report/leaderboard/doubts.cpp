#include "report/leaderboard/doubts.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "results/measures.hpp"

namespace w2s {
namespace {

constexpr std::size_t kFewestSeeds = 4;  // to tell one of them from the others
constexpr double kTimesTheirRange = 3;   // below all others by more than so many times what they differ by,
constexpr double kLeastDrop = 0.05;      // and by more than this share of their mean

std::optional<double> measured(const Measures& measures, MeasureName name) {
  const auto it = measures.find(name);
  return it == measures.end() ? std::nullopt : std::optional<double>(it->second);
}

std::optional<double> measured(const Record& record, const std::string& test, MeasureName name) {
  const auto it = record.tests.find(test);
  return it == record.tests.end() ? std::nullopt : measured(it->second, name);
}

std::string seeds_text(const std::vector<std::int64_t>& seeds) {
  return fmt::format("seed{} {}", seeds.size() > 1 ? "s" : "", fmt::join(seeds, ", "));
}

/// One class for all examples is right on all of one class and none of the others: 1/C, averaged over them.
bool is_of_one_class(const Record& floor, const std::string& test) {
  const auto balanced = measured(floor, test, "balanced_accuracy");
  if (!balanced || *balanced <= 0) return false;
  const double classes = 1 / *balanced;
  return classes > 1.5 && std::abs(classes - std::round(classes)) < 1e-9;
}

/// The seed whose score is far below those of all others.
std::optional<std::int64_t> seed_far_below(const RunsBySeed& students, const std::string& test,
                                           MeasureName metric) {
  const double sign = higher_is_better(metric) ? 1 : -1;
  std::vector<std::pair<double, std::int64_t>> scores;
  for (const auto& [seed, record] : students)
    if (const auto score = measured(*record, test, metric)) scores.emplace_back(sign * *score, seed);
  if (scores.size() < kFewestSeeds) return {};
  std::sort(scores.begin(), scores.end());
  const double drop = scores[1].first - scores[0].first, range = scores.back().first - scores[1].first;
  if (drop <= kTimesTheirRange * range || drop <= kLeastDrop * std::abs(scores[1].first)) return {};
  return scores[0].second;
}

bool have_the_same_numbers(const Row& a, const Row& b, const std::vector<Record>& records) {
  return a.seeds == b.seeds && std::equal(a.runs.begin(), a.runs.end(), b.runs.begin(), b.runs.end(),
                                          [&](std::size_t x, std::size_t y) {
                                            return records[x].tests == records[y].tests &&
                                                   records[x].supervision == records[y].supervision;
                                          });
}

}  // namespace

std::vector<std::string> doubts_of(const RunsBySeed& students, const RunsBySeed& floors,
                                   const std::string& test, MeasureName metric) {
  std::vector<std::int64_t> one_class, copies;
  for (const auto& [seed, record] : students) {
    if (const auto floor = floors.find(seed); floor != floors.end() && is_of_one_class(*floor->second, test))
      one_class.push_back(seed);
    if (measured(record->supervision, "agreement") == 1.0) copies.push_back(seed);
  }
  std::vector<std::string> notes;
  if (!one_class.empty())
    notes.push_back(
        fmt::format("{}: the supervisor is as good as one class for every example", seeds_text(one_class)));
  if (!copies.empty())
    notes.push_back(fmt::format("{}: the student predicts what its supervisor does on every example",
                                seeds_text(copies)));
  if (const auto seed = seed_far_below(students, test, metric))
    notes.push_back(fmt::format("seed {} is far below the others: mean and interval hide it", *seed));
  return notes;
}

void note_equal_points(std::vector<Row>& rows, const std::vector<Record>& records) {
  for (std::size_t b = 1; b < rows.size(); ++b)
    for (std::size_t a = 0; a < b; ++a) {
      if (rows[a].method != rows[b].method || rows[a].variant == rows[b].variant) continue;
      if (!have_the_same_numbers(rows[a], rows[b], records)) continue;
      rows[b].notes.push_back(
          fmt::format("the same numbers as {}: what was swept changed nothing", rows[a].name));
      break;
    }
}

}  // namespace w2s
