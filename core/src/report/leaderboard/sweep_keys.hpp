// Keys of sweeps, and the points of a sweep that a reader asks for by "keep=0.5".
#pragma once

#include <set>
#include <string>
#include <vector>

#include "report/leaderboard/runs.hpp"

namespace w2s {

/// The keys that the students' variants have.
class SweepKeys {
 public:
  explicit SweepKeys(const Students& students);

  const std::set<std::string>& all() const { return keys_; }
  /// Those that `name` is the end of: "methods.filter.strategy.0.keep" for "keep". One that is `name` is the
  /// only one.
  std::vector<std::string> ending_in(const std::string& name) const;

 private:
  std::set<std::string> keys_;
};

/// What of its point of a sweep a student depends on: the keys of other methods ("methods.gce.loss.q" of a
/// naive student) are left out, so that a run which several points share is the same in each.
nlohmann::json own_variant(const Record& record);

/// The part of own_variant() that lies in the method's own table: names a row among others of its block.
nlohmann::json method_variant(const nlohmann::json& variant);
/// The rest, which baselines depend on too: makes blocks.
nlohmann::json block_variant(const nlohmann::json& variant);

/// "gce (q = 0.3)": a method at its point of a sweep over its own settings, by the ends of their keys.
std::string method_name(const std::string& method, const nlohmann::json& variant);

/// A value of a sweep as a reader writes it.
std::string sweep_value_text(const nlohmann::json& value);

/// A point of a sweep that is asked for: the numbers 0.50 and 0.5 are one. A run that several points share is
/// listed at each of them.
struct Condition {
  std::string key, value;
  bool holds(const Record& record) const;
};

/// Of "KEY=VALUE" texts. Throws UsageError where one is none, its key is the end of none or of several, or no
/// student has the value.
std::vector<Condition> read_conditions(const std::vector<std::string>& texts, const SweepKeys& keys,
                                       const Students& students);

}  // namespace w2s
