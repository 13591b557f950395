// ScoreReader: the scores of runs on a test set, per example where every run keeps its predictions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/leaderboard.hpp"
#include "report/leaderboard/runs.hpp"
#include "report/statistics.hpp"

namespace w2s {

class ScoreReader {
 public:
  /// Keeps a reference to `load`.
  ScoreReader(const std::string& metric, const LoadCorrectness& load);

  /// +1, or −1 for a measure of which less is better: the columns are negated then.
  double sign() const { return sign_; }
  MeasureName metric() const { return metric_; }

  std::optional<double> measured(const Record& record, const std::string& test) const;
  bool any_measured(const RunsBySeed& runs, const std::string& test) const;

  /// A column for each of `runs`, over `seeds`. Empty where one of them has no score at all.
  std::optional<PairedScores> columns(const std::vector<const RunsBySeed*>& runs,
                                      const std::vector<std::int64_t>& seeds, const std::string& test) const;

 private:
  const LoadCorrectness& load_;
  const MeasureName metric_;
  const double sign_;
  const bool per_example_;
};

/// Why the floors have no score on a test set, where they say so; else "".
std::string why_unscored(const RunsBySeed& floors, const std::string& test);

}  // namespace w2s
