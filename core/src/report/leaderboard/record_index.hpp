// RecordIndex: records by their keys. Those of imports are known by their origin too: they never stand in for
// others.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "report/leaderboard/runs.hpp"
#include "results/key_hash.hpp"

namespace w2s {

class RecordIndex {
 public:
  /// Keeps pointers into `records`.
  explicit RecordIndex(const std::vector<Record>& records);

  /// Each key once for each point of a sweep that lists it, the first; records without a key are all there.
  const Students& unique() const { return unique_; }
  /// Of a record of the list: where it stands there.
  std::size_t place_of(const Record& record) const {
    return static_cast<std::size_t>(&record - records_.data());
  }
  Baselines baselines_of(const Record& record) const { return baselines_[place_of(record)]; }
  /// Origin of a record of another store with the same key and other numbers; null where there is none.
  const std::string* contradiction_of(const Record& record) const;

 private:
  /// The record that has the place, and whether it is this one.
  std::pair<const Record*, bool> add(const Record& record);
  /// What `record` names by its key; null where there is none.
  const Record* find(const Record& record, const std::string& key) const;

  const std::vector<Record>& records_;
  std::unordered_map<std::string_view, const Record*, KeyHash> by_key_;
  std::deque<std::string> imported_names_;
  Students unique_;
  std::vector<Baselines> baselines_;  // by place in records_
  std::map<const Record*, std::string> contradictions_;
};

}  // namespace w2s
