#include "report/leaderboard/score_reader.hpp"

#include <algorithm>
#include <cmath>

#include "results/measures.hpp"

namespace w2s {
namespace {

const char* const kPerExampleMetric = "accuracy";

}  // namespace

ScoreReader::ScoreReader(const std::string& metric, const LoadCorrectness& load)
    : load_(load),
      metric_(metric),
      sign_(higher_is_better(metric) ? 1 : -1),
      per_example_(load && metric == kPerExampleMetric) {}

std::optional<double> ScoreReader::measured(const Record& record, const std::string& test) const {
  const auto it = record.tests.find(test);
  if (it == record.tests.end()) return {};
  const auto value = it->second.find(metric_);
  if (value == it->second.end() || !std::isfinite(value->second)) return {};
  return value->second;
}

bool ScoreReader::any_measured(const RunsBySeed& runs, const std::string& test) const {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const auto& run) { return measured(*run.second, test).has_value(); });
}

std::optional<PairedScores> ScoreReader::columns(const std::vector<const RunsBySeed*>& runs,
                                                 const std::vector<std::int64_t>& seeds,
                                                 const std::string& test) const {
  using Totals = std::vector<std::optional<double>>;
  std::vector<std::vector<std::vector<double>>> examples(runs.size(),
                                                         std::vector<std::vector<double>>(seeds.size()));
  std::vector<Totals> totals(runs.size(), Totals(seeds.size()));
  bool per_example = per_example_;
  std::size_t size = 0;
  for (std::size_t k = 0; k < runs.size(); ++k)
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      const auto it = runs[k]->find(seeds[s]);
      if (it == runs[k]->end()) continue;
      const auto value = measured(*it->second, test);
      if (!value) continue;
      totals[k][s] = sign_ * *value;
      if (!per_example) continue;
      const auto right = load_(*it->second, test);
      if (size == 0) size = right.size();
      per_example = size > 1 && right.size() == size;
      examples[k][s].assign(right.begin(), right.end());
    }
  for (const Totals& column : totals)
    if (std::none_of(column.begin(), column.end(), [](const auto& seed) { return seed.has_value(); }))
      return {};
  if (per_example) return PairedScores(std::move(examples));
  for (std::size_t k = 0; k < runs.size(); ++k)
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      examples[k][s].clear();
      if (totals[k][s]) examples[k][s] = {*totals[k][s]};
    }
  return PairedScores(std::move(examples), true);
}

std::string why_unscored(const RunsBySeed& floors, const std::string& test) {
  for (const auto& [seed, record] : floors)
    if (const auto it = record->unscored.find(test); it != record->unscored.end()) return it->second;
  return "";
}

}  // namespace w2s
