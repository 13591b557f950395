#include "report/leaderboard/record_index.hpp"

#include <set>

#include "base/parallel.hpp"

namespace w2s {
namespace {

std::string imported_name(const Record& record, const std::string& key) { return record.origin + '/' + key; }

/// Further points of sweeps at which a record is listed.
using Points = std::set<std::pair<const Record*, std::string>>;

/// Is `record`, which has the key of `known`, listed at a point that `known` was not met at yet?
bool is_new_point(const Record& known, const Record& record, Points& points) {
  return known.store == record.store && record.variant != known.variant &&
         points.emplace(&known, record.variant.dump()).second;
}

}  // namespace

RecordIndex::RecordIndex(const std::vector<Record>& records) : records_(records) {
  by_key_.reserve(records.size());
  Points points;
  for (const Record& record : records) {
    const auto [known, is_new] = add(record);
    if (is_new || record.key.empty() || is_new_point(*known, record, points)) {
      unique_.push_back(&record);
    } else if (known->store != record.store && known->tests != record.tests) {
      contradictions_[known] = record.origin;
    }
  }
  baselines_.resize(records.size());
  parallel_for(records.size(), 500, [&](std::size_t i) {
    baselines_[i] = {find(records[i], records[i].floor), find(records[i], records[i].ceiling)};
  });
}

const std::string* RecordIndex::contradiction_of(const Record& record) const {
  const auto it = contradictions_.find(&record);
  return it == contradictions_.end() ? nullptr : &it->second;
}

std::pair<const Record*, bool> RecordIndex::add(const Record& record) {
  std::string_view name = record.key;
  if (record.imported) name = imported_names_.emplace_back(imported_name(record, record.key));
  const auto [it, is_new] = by_key_.emplace(name, &record);
  return {it->second, is_new};
}

const Record* RecordIndex::find(const Record& record, const std::string& key) const {
  const auto it = record.imported ? by_key_.find(imported_name(record, key)) : by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

}  // namespace w2s
