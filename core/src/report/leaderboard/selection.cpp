#include "report/leaderboard/selection.hpp"

#include <algorithm>
#include <set>

#include "report/leaderboard/known_names.hpp"

namespace w2s {
namespace {

using Names = std::set<std::string>;

/// An empty filter wants all.
template <class T>
bool wanted(const std::vector<T>& filter, const T& value) {
  return filter.empty() || std::find(filter.begin(), filter.end(), value) != filter.end();
}

template <class Map>
Names keys_of(const Map& map) {
  Names names;
  for (const auto& entry : map) names.insert(entry.first);
  return names;
}

std::string pair_of(const Record& record) { return record.weak + ':' + record.strong; }

Names measures_of(const Record& record) {
  Names names;
  for (const auto& [test, measures] : record.tests) names.merge(keys_of(measures));
  return names;
}

Students students_of(const RecordIndex& index) {
  Students students;
  for (const Record* record : index.unique())
    if (record->kind == "student") students.push_back(record);
  return students;
}

/// Every name that is asked for is one of some student's.
template <class NamesOf>
void require_all(const Students& students, const std::vector<std::string>& asked, const std::string& what,
                 NamesOf names_of) {
  for (const std::string& name : asked) {
    const bool there = std::any_of(students.begin(), students.end(),
                                   [&](const Record* record) { return names_of(*record).count(name) > 0; });
    if (there) continue;
    Names names;
    for (const Record* record : students) names.merge(names_of(*record));
    require_known({names.begin(), names.end()}, name, what);
  }
}

}  // namespace

Selection::Selection(const std::vector<Record>& records, const LeaderboardOptions& options)
    : options_(options), index_(records), students_(students_of(index_)), sweep_keys_(students_) {
  check_sort();
  if (students_.empty()) return;
  check_names();
  const bool naive = std::any_of(students_.begin(), students_.end(),
                                 [](const Record* record) { return record->method == "naive"; });
  baseline_ = options_.baseline.empty() && naive ? "naive" : options_.baseline;
  for (const std::string& name : options_.by) check_by(name);
  by_seed_ = !options_.by.empty() && wanted<std::string>(options_.by, "seed");
  for (const Record* record : students_) protocols_[place_of(*record)].try_emplace(record->protocol, record);
  leave_out_unwanted();
  join_points();
}

Selection::Place Selection::place_of(const Record& student) {
  const nlohmann::json point = block_variant(student.variant);
  return {student.task, point.empty() ? "" : point.dump()};
}

void Selection::join_points() {
  if (sweep_keys_.all().empty()) return;
  std::set<std::pair<std::string, std::string>> met;
  std::erase_if(students_, [&](const Record* record) {
    return !record->key.empty() &&
           !met.emplace(record->origin + '/' + record->key, own_variant(*record).dump()).second;
  });
}

bool Selection::shows_method(const std::string& method) const { return wanted(options_.methods, method); }

void Selection::check_names() const {
  const auto require = [&](const std::vector<std::string>& asked, const std::string& what, auto names_of) {
    require_all(students_, asked, what, names_of);
  };
  const auto method_of = [](const Record& r) { return Names{r.method}; };
  require(options_.tasks, "task", [](const Record& r) { return Names{r.task}; });
  require(options_.weak, "weak model", [](const Record& r) { return Names{r.weak}; });
  require(options_.strong, "strong model", [](const Record& r) { return Names{r.strong}; });
  require(options_.pairs, "pair", [](const Record& r) { return Names{pair_of(r)}; });
  require(options_.methods, "method", method_of);
  require(options_.origins, "origin",
          [](const Record& r) { return r.origin.empty() ? Names{} : Names{r.origin}; });
  require({options_.test}, "test set", [](const Record& r) { return keys_of(r.tests); });
  require({options_.metric}, "metric", measures_of);
  for (const std::int64_t seed : options_.seeds)
    require({std::to_string(seed)}, "seed", [](const Record& r) { return Names{std::to_string(r.seed)}; });
  if (!options_.baseline.empty()) require({options_.baseline}, "baseline method", method_of);
}

void Selection::check_sort() const {
  std::vector<std::string> sorts = {"pgr", "score",      "name", "none",  "agreement",
                                    "p",   "difference", "rank", "seeds", "seconds"};
  if (std::find(sorts.begin(), sorts.end(), options_.sort) != sorts.end()) return;
  Names measures;
  for (const Record* record : students_) measures.merge(keys_of(record->supervision));
  measures.erase("agreement");
  sorts.insert(sorts.end(), measures.begin(), measures.end());
  require_known(sorts, options_.sort, "sort");
}

void Selection::check_by(const std::string& name) const {
  std::vector<std::string> names = {"task", "pair", "weak", "strong", "method", "seed", "origin", "protocol"};
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  if (sweep_keys_.ending_in(name).size() == 1) return;
  names.insert(names.end(), sweep_keys_.all().begin(), sweep_keys_.all().end());
  require_known(names, name, "field of --by");
}

void Selection::leave_out_unwanted() {
  const auto conditions = read_conditions(options_.where, sweep_keys_, students_);
  std::erase_if(students_, [&](const Record* record) {
    return !wanted(options_.tasks, record->task) || !wanted(options_.weak, record->weak) ||
           !wanted(options_.strong, record->strong) ||
           (!options_.pairs.empty() && !wanted(options_.pairs, pair_of(*record))) ||
           !wanted(options_.origins, record->origin) || !wanted(options_.seeds, record->seed) ||
           !std::all_of(conditions.begin(), conditions.end(),
                        [&](const Condition& condition) { return condition.holds(*record); });
  });
}

}  // namespace w2s
