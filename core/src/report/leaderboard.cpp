#include "report/leaderboard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <iterator>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>
#include <boost/container/flat_map.hpp>

#include <w2s/error.hpp>

#include "base/parallel.hpp"
#include "report/differences.hpp"
#include "results/key_hash.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const char* const kPerExampleMetric = "accuracy";

using Students = std::vector<const Record*>;

const std::string& provenance_text(const Record& record, const char* field) {
  static const std::string none;
  if (!record.provenance.is_object()) return none;
  const auto it = record.provenance.find(field);
  return it != record.provenance.end() && it->is_string() ? it->get_ref<const std::string&>() : none;
}

const std::string& code_of(const Record* record) {
  static const std::string none;
  return record ? provenance_text(*record, "code") : none;
}

/// What can change a number though the recipe is the same: LibTorch and the kind of device.
struct Platform {
  std::string_view torch, device;
  bool operator==(const Platform&) const = default;
};

Platform platform_of(const Record& record) {
  const std::string_view device = provenance_text(record, "device");
  return {provenance_text(record, "torch"), device.substr(0, device.find(':'))};
}

/// Records by their keys. Those of imports are known by their origin too: they never stand in for others.
class Index {
 public:
  explicit Index(std::size_t size) { records_.reserve(size); }

  /// The record that has the place, and whether it is this one.
  std::pair<const Record*, bool> add(const Record& record) {
    std::string_view name = record.key;
    if (record.imported) name = names_.emplace_back(imported_name(record, record.key));
    const auto [it, is_new] = records_.emplace(name, &record);
    return {it->second, is_new};
  }

  /// What `record` names by its key; null where there is none.
  const Record* find(const Record& record, const std::string& key) const {
    const auto it = record.imported ? records_.find(imported_name(record, key)) : records_.find(key);
    return it == records_.end() ? nullptr : it->second;
  }

 private:
  static std::string imported_name(const Record& record, const std::string& key) {
    return record.origin + '/' + key;
  }

  std::unordered_map<std::string_view, const Record*, KeyHash> records_;
  std::deque<std::string> names_;
};

/// Small numbers for texts: the same for the same text. Keeps views: the texts must stay.
class Numbering {
 public:
  std::uint64_t of(std::string_view text) {
    return numbers_.try_emplace(text, numbers_.size()).first->second;
  }

 private:
  std::unordered_map<std::string_view, std::uint64_t, KeyHash> numbers_;
};

/// What the students of one block have in common, as numbers.
using BlockKey = std::array<std::uint64_t, 11>;

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const {
    std::uint64_t hash = 0;
    for (const std::uint64_t part : key) hash = (hash ^ part) * 0x9E3779B97F4A7C15ull + (hash >> 29);
    return hash;
  }
};

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Keys of a sweep that `name` is the end of: "keep" of "methods.filter.strategy.0.keep".
std::vector<std::string> variant_keys(const std::set<std::string>& keys, const std::string& name) {
  if (keys.count(name) > 0) return {name};
  std::vector<std::string> found;
  for (const std::string& key : keys)
    if (key.ends_with("." + name)) found.push_back(key);
  return found;
}

std::string short_digest(const std::string& digest) { return digest.substr(0, 8); }

/// True where two students of one seed are not the `same` by what matters.
template <class Same>
bool conflicts(const Students& students, Same same) {
  boost::container::flat_map<std::int64_t, const Record*> seen;
  return std::any_of(students.begin(), students.end(), [&](const Record* record) {
    return !same(*seen.try_emplace(record->seed, record).first->second, *record);
  });
}

/// The students in one part, or one part an experiment where they conflict.
template <class Same>
std::vector<Students> parts_without_conflict(const Students& students, Same same) {
  if (!conflicts(students, same)) return {students};
  std::vector<std::string> names;
  std::map<std::string, Students> by_experiment;
  for (const Record* record : students) {
    auto& part = by_experiment[record->experiment];
    if (part.empty()) names.push_back(record->experiment);
    part.push_back(record);
  }
  std::vector<Students> parts;
  for (const auto& name : names) parts.push_back(by_experiment[name]);
  return parts;
}

/// Means by name, over those that have it.
class Means {
 public:
  void add(MeasureName name, double value) {
    auto& [sum, count] = sums_[name];
    sum += value;
    count += 1;
  }
  /// The measures of one seed after another mostly have the same names: each is looked for in its turn.
  void add(const Measures& measures) {
    auto place = sums_.begin();
    for (const auto& [name, value] : measures) {
      if (place == sums_.end() || place->first != name) place = sums_.try_emplace(place, name);
      place->second.first += value;
      place->second.second += 1;
      ++place;
    }
  }
  Measures values() const {
    Measures means;
    means.reserve(sums_.size());
    for (const auto& [name, sum] : sums_) means.emplace_hint(means.end(), name, sum.first / sum.second);
    return means;
  }

 private:
  boost::container::flat_map<MeasureName, std::pair<double, double>> sums_;
};

struct MethodRuns {
  std::string method, code;
  std::map<std::int64_t, const Record*> by_seed;
  std::vector<std::string> notes;
};

struct Block {
  const Record* first = nullptr;  // a student, for the names
  std::vector<MethodRuns> methods;
  std::map<std::int64_t, const Record*> floors, ceilings;
  std::vector<std::string> notes;
};

class Builder {
 public:
  Builder(const std::vector<Record>& records, const LeaderboardOptions& options, const LoadCorrectness& load,
          const LoadProvenance& provenance)
      : options_(options),
        load_(load),
        load_provenance_(provenance),
        sign_(higher_is_better(options.metric) ? 1 : -1),
        metric_(options.metric),
        records_(records),
        index_(records.size()) {
    for (const Record& record : records) {
      const auto [known, is_new] = index_.add(record);
      if (is_new || record.key.empty()) {
        unique_.push_back(&record);
      } else if (known->store != record.store && known->tests != record.tests) {
        contradicted_[known] = record.origin;
      }
    }
    baselines_.resize(records.size());
    parallel_for(records.size(), 500, [&](std::size_t i) {
      baselines_[i] = {index_.find(records[i], records[i].floor),
                       index_.find(records[i], records[i].ceiling)};
    });
    choose_students();
  }

  Leaderboard build() {
    Leaderboard board;
    board.options = options_;
    board.options.baseline = baseline_;
    std::vector<Row>& rows = board.rows;
    const auto blocks = make_blocks();
    std::vector<std::vector<Row>> made(blocks.size());
    parallel_for(blocks.size(), 4, [&](std::size_t b) { made[b] = rows_of(blocks[b]); });
    std::size_t count = 0;
    for (const auto& of_block : made) count += of_block.size();
    rows.reserve(count);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      for (Row& row : made[b]) {
        row.block = b;
        rows.push_back(std::move(row));
      }
    }
    board.ranks = mean_ranks(rows);
    std::erase_if(rows, [&](const Row& row) { return !wanted(options_.methods, row.method); });
    std::vector<double> p;
    for (const Row& row : rows) p.push_back(row.compared_with.empty() ? kNaN : row.comparison.p);
    const auto adjusted = holm(p);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].p_holm = adjusted[i];
    sort_rows(rows);
    group_rows(rows);
    return board;
  }

 private:
  static bool wanted(const std::vector<std::string>& filter, const std::string& name) {
    return filter.empty() || std::find(filter.begin(), filter.end(), name) != filter.end();
  }

  static void require(const std::vector<std::string>& names, const std::string& name,
                      const std::string& what) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    throw UsageError(fmt::format("unknown {} '{}'{}; {}", what, name, did_you_mean(name, names),
                                 names.empty() ? "there is none" : "expected " + one_of_list(names)));
  }

  using Names = std::set<std::string>;

  template <class Map>
  static Names keys_of(const Map& map) {
    Names names;
    for (const auto& entry : map) names.insert(entry.first);
    return names;
  }

  /// Every name that is asked for is one of some student's.
  template <class NamesOf>
  void require_all(const std::vector<std::string>& asked, const std::string& what, NamesOf names_of) const {
    for (const std::string& name : asked) {
      const bool there = std::any_of(students_.begin(), students_.end(),
                                     [&](const Record* record) { return names_of(*record).count(name) > 0; });
      if (there) continue;
      Names names;
      for (const Record* record : students_) names.merge(names_of(*record));
      require({names.begin(), names.end()}, name, what);
    }
  }

  void choose_students() {
    for (const Record* record : unique_) {
      if (record->kind != "student") continue;
      students_.push_back(record);
      for (const auto& [key, value] : record->variant.items()) variant_keys_.insert(key);
    }
    check_sort();
    if (students_.empty()) return;
    const auto method_of = [](const Record& r) { return Names{r.method}; };
    require_all(options_.tasks, "task", [](const Record& r) { return Names{r.task}; });
    require_all(options_.weak, "weak model", [](const Record& r) { return Names{r.weak}; });
    require_all(options_.strong, "strong model", [](const Record& r) { return Names{r.strong}; });
    require_all(options_.pairs, "pair", [](const Record& r) { return Names{pair_of(r)}; });
    require_all(options_.methods, "method", method_of);
    require_all(options_.origins, "origin",
                [](const Record& r) { return r.origin.empty() ? Names{} : Names{r.origin}; });
    require_all({options_.test}, "test set", [](const Record& r) { return keys_of(r.tests); });
    require_all({options_.metric}, "metric", [](const Record& r) {
      Names names;
      for (const auto& [test, measures] : r.tests) names.merge(keys_of(measures));
      return names;
    });
    for (const std::int64_t seed : options_.seeds)
      require_all({std::to_string(seed)}, "seed",
                  [](const Record& r) { return Names{std::to_string(r.seed)}; });
    if (!options_.baseline.empty()) require_all({options_.baseline}, "baseline method", method_of);
    const bool naive = std::any_of(students_.begin(), students_.end(),
                                   [](const Record* record) { return record->method == "naive"; });
    baseline_ = options_.baseline.empty() && naive ? "naive" : options_.baseline;
    for (const std::string& name : options_.by) check_by(name);
    by_seed_ = wanted(options_.by, "seed") && !options_.by.empty();
    const auto conditions = read_conditions();
    for (const Record* record : students_) protocols_[record->task].try_emplace(record->protocol, record);
    std::erase_if(students_, [&](const Record* record) {
      return !wanted(options_.tasks, record->task) || !wanted(options_.weak, record->weak) ||
             !wanted(options_.strong, record->strong) ||
             (!options_.pairs.empty() && !wanted(options_.pairs, pair_of(*record))) ||
             !wanted(options_.origins, record->origin) ||
             (!options_.seeds.empty() && std::find(options_.seeds.begin(), options_.seeds.end(),
                                                   record->seed) == options_.seeds.end()) ||
             !std::all_of(conditions.begin(), conditions.end(),
                          [&](const Condition& condition) { return condition.holds(*record); });
    });
  }

  /// The records that a record names: null where they are not there.
  struct Baselines {
    const Record *floor = nullptr, *ceiling = nullptr;
  };
  const Baselines& baselines_of(const Record& record) const {
    return baselines_[static_cast<std::size_t>(&record - records_.data())];
  }

  static std::string pair_of(const Record& record) { return record.weak + ':' + record.strong; }

  void check_sort() const {
    std::vector<std::string> sorts = {"pgr", "score",      "name", "none",  "agreement",
                                      "p",   "difference", "rank", "seeds", "seconds"};
    if (std::find(sorts.begin(), sorts.end(), options_.sort) != sorts.end()) return;
    Names measures;
    for (const Record* record : students_) measures.merge(keys_of(record->supervision));
    measures.erase("agreement");
    sorts.insert(sorts.end(), measures.begin(), measures.end());
    require(sorts, options_.sort, "sort");
  }

  void check_by(const std::string& name) const {
    std::vector<std::string> names = {"task",   "pair", "weak",   "strong",
                                      "method", "seed", "origin", "protocol"};
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    if (variant_keys(variant_keys_, name).size() == 1) return;
    names.insert(names.end(), variant_keys_.begin(), variant_keys_.end());
    require(names, name, "field of --by");
  }

  /// A point of a sweep that is asked for.
  struct Condition {
    std::string key, value;
    bool holds(const Record& record) const {
      const auto it = record.variant.find(key);
      if (it == record.variant.end()) return false;
      if (text_of(*it) == value) return true;
      const auto number = nlohmann::json::parse(value, nullptr, false);
      return number.is_number() && it->is_number() && number.get<double>() == it->get<double>();
    }
  };

  std::vector<Condition> read_conditions() const {
    std::vector<Condition> conditions;
    for (const std::string& text : options_.where) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0)
        throw UsageError(fmt::format("'{}' is no condition: expected KEY=VALUE", text));
      const std::string name = text.substr(0, equals);
      const auto keys = variant_keys(variant_keys_, name);
      if (keys.size() > 1)
        throw UsageError(fmt::format("'{}' is the end of several keys: {}", name, one_of_list(keys)));
      if (keys.empty()) require({variant_keys_.begin(), variant_keys_.end()}, name, "key of a sweep");
      conditions.push_back({keys[0], text.substr(equals + 1)});
      std::set<std::string> values;
      bool met = false;
      for (const Record* record : students_) {
        met = met || conditions.back().holds(*record);
        if (const auto it = record->variant.find(keys[0]); it != record->variant.end())
          values.insert(text_of(*it));
      }
      if (!met) require({values.begin(), values.end()}, conditions.back().value, "value of " + keys[0]);
    }
    return conditions;
  }

  std::vector<Block> make_blocks() const {
    Numbering number;
    std::deque<std::string> variants;
    std::unordered_map<BlockKey, std::size_t, BlockKeyHash> position;
    std::vector<Students> groups;
    for (const Record* record : students_) {
      const std::string_view variant =
          record->variant.empty() ? std::string_view() : variants.emplace_back(record->variant.dump());
      const Platform platform = platform_of(*record);
      const auto [floor, ceiling] = baselines_of(*record);
      const BlockKey key{number.of(record->task),
                         number.of(record->protocol),
                         number.of(variant),
                         number.of(record->weak),
                         number.of(record->strong),
                         number.of(code_of(floor)),
                         number.of(code_of(ceiling)),
                         number.of(record->imported ? std::string_view(record->origin) : std::string_view()),
                         number.of(platform.torch),
                         number.of(platform.device),
                         by_seed_ ? static_cast<std::uint64_t>(record->seed) : 0};
      const auto [it, is_new] = position.emplace(key, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
    }
    const auto place = [](const Students& group) {
      return std::tie(group[0]->task, group[0]->protocol, group[0]->variant);
    };
    std::stable_sort(groups.begin(), groups.end(),
                     [&](const Students& a, const Students& b) { return place(a) < place(b); });
    std::vector<std::vector<Block>> of_group(groups.size());
    parallel_for(groups.size(), 4, [&](std::size_t g) {
      const auto parts = parts_without_conflict(groups[g], [](const Record& a, const Record& b) {
        return a.floor == b.floor && a.ceiling == b.ceiling;
      });
      for (const Students& part : parts) {
        Block& block = of_group[g].emplace_back(make_block(part));
        if (parts.size() > 1)
          block.notes.push_back(
              fmt::format("the same names stand for other baselines elsewhere: "
                          "this is experiment '{}'",
                          part[0]->experiment));
      }
    });
    std::vector<Block> blocks;
    for (auto& group : of_group)
      blocks.insert(blocks.end(), std::make_move_iterator(group.begin()),
                    std::make_move_iterator(group.end()));
    note_versions(blocks);
    return blocks;
  }

  nlohmann::json provenance_of(const Record& record) const {
    return load_provenance_ ? load_provenance_(record) : record.provenance;
  }

  std::string what_differs(const Record& record, const Record& other,
                           const std::vector<std::string>& parts) const {
    const std::string text =
        differences_text(differences(provenance_of(record), provenance_of(other), parts));
    return text.empty() ? "" : ": " + text;
  }

  /// Blocks of the same names that differ in what stands behind them say in what.
  void note_versions(std::vector<Block>& blocks) const {
    using Names = std::tuple<std::string, std::string, std::string, std::string, std::string, std::int64_t>;
    std::map<Names, std::vector<Block*>> alike;
    for (Block& block : blocks) {
      const Record& first = *block.first;
      alike[{first.task, first.protocol, first.variant.empty() ? "" : first.variant.dump(), first.weak,
             first.strong, by_seed_ ? first.seed : 0}]
          .push_back(&block);
    }
    for (auto& [names, members] : alike) {
      if (members.size() < 2) continue;
      for (Block* block : members) {
        const Block* other = members[block == members[0] ? 1 : 0];
        const Record &mine = *block->first, &theirs = *other->first;
        if (mine.imported || theirs.imported) continue;  // told already
        const bool baselines = code_of(baselines_of(mine).floor) != code_of(baselines_of(theirs).floor) ||
                               code_of(baselines_of(mine).ceiling) != code_of(baselines_of(theirs).ceiling);
        if (baselines || !(platform_of(mine) == platform_of(theirs)))
          block->notes.push_back("the same names appear in several versions; differs here" +
                                 what_differs(mine, theirs, {"train", "models", "supervisor"}));
      }
    }
  }

  std::string protocol_difference(const Record& record, const Record& other) const {
    const std::lock_guard lock(protocol_differences_mutex_);
    const auto [known, is_new] = protocol_differences_.try_emplace({record.protocol, other.protocol});
    if (is_new) known->second = what_differs(record, other, {"task", "ceiling_on"});
    return known->second;
  }

  Block make_block(const Students& students) const {
    Block block;
    block.first = students[0];
    const Record& first = *students[0];
    if (const auto& protocols = protocols_.at(first.task); protocols.size() > 1) {
      auto other = protocols.begin();
      if (other->first == first.protocol) ++other;
      const std::string what = protocol_difference(first, *other->second);
      block.notes.push_back(fmt::format("the task appears under several protocols: this is {}{}",
                                        short_digest(first.protocol),
                                        what.empty() ? "" : ", which differs" + what));
    }
    if (first.imported)
      block.notes.push_back(fmt::format("imported from '{}', not averaged with others", first.origin));
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> position;  // by method and code
    std::vector<Students> groups;
    for (const Record* record : students) {
      const auto [it, is_new] = position.try_emplace({record->method, code_of(record)}, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
      const auto [floor, ceiling] = baselines_of(*record);
      if (floor != nullptr) block.floors[record->seed] = floor;
      if (ceiling != nullptr) block.ceilings[record->seed] = ceiling;
    }
    for (const auto* baselines : {&block.floors, &block.ceilings})
      for (const auto& [seed, record] : *baselines)
        if (!(platform_of(*record) == platform_of(first)) && block.notes.size() < 8) {
          block.notes.push_back(fmt::format("{} of seed {} is of another version{}", record->kind, seed,
                                            what_differs(*record, first, {})));
        }
    std::map<std::string_view, std::vector<const Record*>> versions;
    for (const auto& [key, group] : position) versions[key.first].push_back(groups[group][0]);
    for (const Students& group : groups) {
      const auto parts =
          parts_without_conflict(group, [](const Record& a, const Record& b) { return a.key == b.key; });
      for (const Students& part : parts) {
        MethodRuns runs{part[0]->method, code_of(part[0]), {}, {}};
        if (const auto& all = versions[runs.method]; all.size() > 1) {
          const Record& other = *all[all[0] == part[0] ? 1 : 0];
          const std::string what =
              what_differs(*part[0], other, {"methods." + runs.method, "train", "models"});
          runs.notes.push_back(
              fmt::format("the method appears in several versions: this is {}{}",
                          runs.code.empty() ? "one without a digest" : short_digest(runs.code),
                          what.empty() ? "" : ", which differs" + what));
        }
        if (parts.size() > 1)
          runs.notes.push_back(fmt::format("the same names and seed were run twice: this is experiment '{}'",
                                           part[0]->experiment));
        std::size_t replaced = 0;
        for (const Record* record : part)
          replaced += !runs.by_seed.insert_or_assign(record->seed, record).second;
        if (replaced > 0)
          runs.notes.push_back(fmt::format("{} older record(s) of the same seeds left out", replaced));
        for (const auto& [seed, record] : runs.by_seed)
          if (const auto other = contradicted_.find(record); other != contradicted_.end())
            runs.notes.push_back(
                fmt::format("seed {} has other numbers in '{}': left out", seed, other->second));
        block.methods.push_back(std::move(runs));
      }
    }
    return block;
  }

  std::optional<double> measured(const Record& record, const std::string& test) const {
    const auto it = record.tests.find(test);
    if (it == record.tests.end()) return {};
    const auto value = it->second.find(metric_);
    if (value == it->second.end() || !std::isfinite(value->second)) return {};
    return value->second;
  }

  /// Columns of one test set over the block's seeds: the given runs, in order; per example where every run
  /// has them.
  std::optional<PairedScores> scores_of(const std::vector<const std::map<std::int64_t, const Record*>*>& runs,
                                        const std::vector<std::int64_t>& seeds,
                                        const std::string& test) const {
    std::vector<std::vector<std::vector<double>>> examples(runs.size(),
                                                           std::vector<std::vector<double>>(seeds.size()));
    std::vector<std::vector<std::optional<double>>> totals(runs.size(),
                                                           std::vector<std::optional<double>>(seeds.size()));
    bool per_example = load_ && options_.metric == kPerExampleMetric;
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
    for (const auto& column : totals)
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

  std::vector<Row> rows_of(const Block& block) const {
    std::set<std::int64_t> all;
    for (const auto& method : block.methods)
      for (const auto& run : method.by_seed) all.insert(run.first);
    const std::vector<std::int64_t> seeds(all.begin(), all.end());

    std::vector<Row> rows;
    std::vector<const MethodRuns*> shown;
    std::vector<const std::map<std::int64_t, const Record*>*> runs;
    const bool floor = has_measure(block.floors), ceiling = has_measure(block.ceilings);
    if (floor) runs.push_back(&block.floors);
    if (ceiling) runs.push_back(&block.ceilings);
    const std::size_t first_student = runs.size();
    for (const auto& method : block.methods) {
      if (!has_measure(method.by_seed)) continue;
      shown.push_back(&method);
      runs.push_back(&method.by_seed);
    }
    if (shown.empty()) return rows;
    const auto scores = scores_of(runs, seeds, options_.test);
    if (!scores) return rows;

    std::optional<Bootstrap> bootstrap;
    if (options_.replicates > 0 && scores->seeds() + scores->examples() > 1)
      bootstrap.emplace(*scores, options_.replicates, options_.seed);
    std::optional<std::size_t> baseline;
    for (std::size_t m = 0; m < shown.size(); ++m)
      if (shown[m]->method == baseline_) {
        baseline = baseline ? shown.size() : m;  // several versions: none is the baseline
      }

    const std::optional<Gap> gap =
        floor && ceiling ? std::optional<Gap>(std::in_place, *scores, 0, 1, options_.level) : std::nullopt;
    const Estimate floor_score = floor ? scores->column(0, options_.level) : unknown();
    const Estimate ceiling_score = ceiling ? scores->column(floor ? 1 : 0, options_.level) : unknown();
    std::vector<double> means;
    for (std::size_t m = 0; m < shown.size(); ++m) {
      const std::size_t k = first_student + m;
      Row row = names(block, *shown[m]);
      row.floor = floor_score;
      row.ceiling = ceiling_score;
      for (std::size_t s = 0; s < seeds.size(); ++s)
        if (scores->has(k, s)) row.seeds.push_back(seeds[s]);
      row.student = scores->column(k, options_.level);
      if (bootstrap) row.student_bootstrap = bootstrap_interval(*bootstrap, k, options_.level);
      if (gap) {
        fill_pgr(row, *gap, k, seeds, bootstrap ? &*bootstrap : nullptr);
      } else {
        row.pgr.gap = unknown();
        const char* missing = floor ? "ceiling" : ceiling ? "floor" : "floor and the ceiling";
        row.pgr.reason = fmt::format("undefined: no record of the {}", missing);
      }
      if (const std::string why = floor ? "" : why_unscored(block.floors, options_.test); !why.empty())
        row.pgr.reason = "undefined: " + why;
      fill_means(row, *shown[m]);
      fill_shifts(row, block, *shown[m], seeds, floor && ceiling);
      if (baseline && *baseline < shown.size() && *baseline != m) {
        row.compared_with = baseline_;
        row.comparison =
            paired_test(*scores, k, first_student + *baseline, bootstrap ? &*bootstrap : nullptr);
      }
      if (baseline && *baseline == shown.size() && row.method != baseline_)
        row.notes.push_back(fmt::format("no comparison: '{}' has several versions here", baseline_));
      add_notes(row, *scores, floor, ceiling);
      means.push_back(scores->mean(k));
      rows.push_back(std::move(row));
    }
    const auto ranks = midranks(means);
    for (std::size_t m = 0; m < rows.size(); ++m) rows[m].rank = ranks[m];
    if (sign_ < 0)
      for (Row& row : rows) restore_sign(row);
    return rows;
  }

  bool has_measure(const std::map<std::int64_t, const Record*>& runs) const {
    return std::any_of(runs.begin(), runs.end(),
                       [&](const auto& run) { return measured(*run.second, options_.test).has_value(); });
  }

  /// Why the floors have no score on a test set, where they say so.
  static std::string why_unscored(const std::map<std::int64_t, const Record*>& floors,
                                  const std::string& test) {
    for (const auto& [seed, record] : floors)
      if (const auto it = record->unscored.find(test); it != record->unscored.end()) return it->second;
    return "";
  }

  Row names(const Block& block, const MethodRuns& runs) const {
    Row row;
    row.imported = block.first->imported;
    std::set<std::string> origins;
    for (const auto& [seed, record] : runs.by_seed) origins.insert(record->origin);
    for (const std::string& origin : origins) row.origin += (row.origin.empty() ? "" : ", ") + origin;
    if (by_seed_) row.seed = block.first->seed;
    row.task = block.first->task;
    row.protocol = block.first->protocol;
    row.variant = block.first->variant;
    row.weak = block.first->weak;
    row.strong = block.first->strong;
    row.method = runs.method;
    row.code = runs.code;
    row.notes = block.notes;
    row.notes.insert(row.notes.end(), runs.notes.begin(), runs.notes.end());
    return row;
  }

  static Estimate unknown() {
    Estimate estimate;
    estimate.value = estimate.se = estimate.df = estimate.lo = estimate.hi = kNaN;
    return estimate;
  }

  /// Of the student in column k; floor and ceiling are columns 0 and 1.
  void fill_pgr(Row& row, const Gap& gap, std::size_t k, const std::vector<std::int64_t>& seeds,
                const Bootstrap* bootstrap) const {
    row.pgr = gap.pgr(k);
    for (std::size_t s = 0; s < seeds.size(); ++s)
      if (row.pgr.per_seed[s]) row.pgr_per_seed[seeds[s]] = *row.pgr.per_seed[s];
    if (bootstrap && row.pgr.estimate)
      row.pgr_bootstrap = bootstrap_pgr_interval(*bootstrap, 0, 1, k, options_.level);
  }

  void fill_means(Row& row, const MethodRuns& runs) const {
    Means supervision, cost, oracle;
    for (const auto& [seed, record] : runs.by_seed) {
      if (record->cost.is_object())
        for (auto it = record->cost.begin(); it != record->cost.end(); ++it)
          if (it->is_number()) cost.add(it.key(), it->get<double>());
      supervision.add(record->supervision);
      if (const auto test = record->oracle.find(options_.test); test != record->oracle.end())
        if (const auto value = test->second.find(metric_); value != test->second.end())
          oracle.add(metric_, value->second);
    }
    row.supervision = supervision.values();
    row.cost = cost.values();
    if (const Measures mean = oracle.values(); !mean.empty()) row.oracle = mean.begin()->second;
  }

  void fill_shifts(Row& row, const Block& block, const MethodRuns& runs,
                   const std::vector<std::int64_t>& seeds, bool baselines) const {
    std::set<std::string> tests;
    for (const auto& [seed, record] : runs.by_seed)
      for (const auto& [test, measures] : record->tests)
        if (test != options_.test && measured(*record, test)) tests.insert(test);
    for (const auto& test : tests) {
      Shift shift;
      shift.floor = shift.ceiling = unknown();
      const auto together = baselines
                                ? scores_of({&block.floors, &block.ceilings, &runs.by_seed}, seeds, test)
                                : std::optional<PairedScores>();
      if (together) {
        shift.floor = together->column(0, options_.level);
        shift.ceiling = together->column(1, options_.level);
        shift.student = together->column(2, options_.level);
        shift.pgr = pgr(*together, 0, 1, 2, options_.level);
      } else {
        shift.student = scores_of({&runs.by_seed}, seeds, test)->column(0, options_.level);
        shift.pgr.gap = unknown();
        const std::string why = why_unscored(block.floors, test);
        shift.pgr.reason = "undefined: " + (why.empty() ? "no floor or ceiling on this test set" : why);
      }
      shift.drop = row.student.value - shift.student.value;
      row.shifts.emplace(test, std::move(shift));
    }
  }

  void add_notes(Row& row, const PairedScores& scores, bool floor, bool ceiling) const {
    if (row.student.seeds == 1)
      row.notes.push_back(scores.examples() > 0 ? "one seed: intervals cover the choice of test examples only"
                                                : "one seed and no per-example scores: no interval");
    else if (scores.examples() == 0)
      row.notes.push_back("no per-example scores shared by all runs: intervals cover seeds only");
    const std::size_t most = std::max(floor ? row.floor.seeds : 0, ceiling ? row.ceiling.seeds : 0);
    if (most > row.student.seeds) row.notes.push_back(fmt::format("{} of {} seeds", row.student.seeds, most));
  }

  /// Measures of which less is better were negated for the statistics.
  static void restore_sign(Row& row) {
    const auto turn = [](Estimate& e) {
      e.value = -e.value;
      std::tie(e.lo, e.hi) = std::pair(-e.hi, -e.lo);
    };
    const auto reword = [](std::string& reason) {
      const std::string from = "ceiling − floor", to = "floor − ceiling";
      if (const auto at = reason.find(from); at != std::string::npos) reason.replace(at, from.size(), to);
    };
    turn(row.floor);
    turn(row.ceiling);
    turn(row.student);
    turn(row.comparison.difference);
    reword(row.pgr.reason);
    if (auto& bootstrap = row.student_bootstrap) bootstrap = Interval{-bootstrap->hi, -bootstrap->lo};
    for (auto& [test, shift] : row.shifts) {
      turn(shift.floor);
      turn(shift.ceiling);
      turn(shift.student);
      reword(shift.pgr.reason);
    }
  }

  static std::vector<MeanRank> mean_ranks(const std::vector<Row>& rows) {
    std::set<std::string> methods;
    std::map<std::size_t, std::vector<const Row*>> blocks;
    for (const Row& row : rows) {
      methods.insert(row.method);
      blocks[row.block].push_back(&row);
    }
    std::map<std::string, std::map<std::string, std::pair<double, double>>> sums;  // [method][task]
    for (const auto& [block, members] : blocks) {
      std::set<std::string> here;
      for (const Row* row : members) here.insert(row->method);
      if (here != methods || members.size() != methods.size()) continue;
      for (const Row* row : members) {
        auto& sum = sums[row->method][row->task];
        sum.first += row->rank;
        sum.second += 1;
      }
    }
    std::vector<MeanRank> ranks;
    for (const auto& [method, tasks] : sums) {
      MeanRank mean{method, 0, tasks.size()};
      for (const auto& [task, sum] : tasks)
        mean.rank += sum.first / sum.second / static_cast<double>(tasks.size());
      ranks.push_back(mean);
    }
    std::stable_sort(ranks.begin(), ranks.end(),
                     [](const MeanRank& a, const MeanRank& b) { return a.rank < b.rank; });
    return ranks;
  }

  /// What the rows are sorted by, larger first; NaN last.
  double sort_value(const Row& row) const {
    const std::string& sort = options_.sort;
    if (sort == "pgr") return row.pgr.estimate ? row.pgr.estimate->value : sign_ * row.student.value;
    if (sort == "score") return sign_ * row.student.value;
    if (sort == "p") return -row.p_holm;
    if (sort == "rank") return -row.rank;
    if (sort == "seeds") return static_cast<double>(row.seeds.size());
    if (sort == "difference")
      return row.compared_with.empty() ? kNaN : sign_ * row.comparison.difference.value;
    if (sort == "seconds") return row.cost.count(sort) > 0 ? -row.cost.at(sort) : kNaN;
    const auto it = row.supervision.find(sort);
    if (it == row.supervision.end()) return kNaN;
    return higher_is_better(sort) ? it->second : -it->second;
  }

  void sort_rows(std::vector<Row>& rows) const {
    const auto before = [&](const Row& a, const Row& b) {
      if (options_.sort == "none") return false;
      if (options_.sort == "name") return a.method < b.method;
      const double x = sort_value(a), y = sort_value(b);
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
      return x > y;
    };
    reorder(rows, [&](const Row& a, const Row& b) {
      if (options_.by.empty() && a.block != b.block) return a.block < b.block;
      return options_.reverse ? before(b, a) : before(a, b);
    });
  }

  /// Stable; moves each of the large rows once.
  template <class Before>
  static void reorder(std::vector<Row>& rows, const Before& before) {
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

  std::string field(const Row& row, const std::string& name) const {
    if (name == "task") return row.task;
    if (name == "pair") return row.weak + " → " + row.strong;
    if (name == "weak") return row.weak;
    if (name == "strong") return row.strong;
    if (name == "method") return row.method;
    if (name == "origin") return row.origin;
    if (name == "protocol") return short_digest(row.protocol);
    if (name == "seed") return row.seed ? std::to_string(*row.seed) : "";
    const auto it = row.variant.find(variant_keys(variant_keys_, name)[0]);
    return it == row.variant.end() ? "–" : text_of(*it);
  }

  /// Rows of one group together, groups in the order of the blocks.
  void group_rows(std::vector<Row>& rows) const {
    if (options_.by.empty()) return;
    std::map<std::vector<std::string>, std::size_t> first_block;
    for (Row& row : rows) {
      for (const std::string& name : options_.by) row.group.push_back(field(row, name));
      const auto [it, is_new] = first_block.emplace(row.group, row.block);
      it->second = std::min(it->second, row.block);
    }
    reorder(rows, [&](const Row& a, const Row& b) {
      const std::size_t x = first_block.at(a.group), y = first_block.at(b.group);
      return x != y ? x < y : a.group < b.group;
    });
  }

  const LeaderboardOptions& options_;
  const LoadCorrectness& load_;
  const LoadProvenance& load_provenance_;
  const double sign_;
  const MeasureName metric_;
  std::string baseline_;
  bool by_seed_ = false;
  const std::vector<Record>& records_;
  Index index_;
  std::vector<Baselines> baselines_;  // by place in records_
  Students unique_, students_;
  std::set<std::string> variant_keys_;
  mutable std::mutex protocol_differences_mutex_;
  mutable std::map<std::pair<std::string, std::string>, std::string> protocol_differences_;
  std::map<const Record*, std::string> contradicted_;  // origin of the same key with other numbers
  std::map<std::string, std::map<std::string, const Record*>> protocols_;  // by task, before filters
};

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json pair_of(double lo, double hi) { return nlohmann::json::array({number(lo), number(hi)}); }

nlohmann::json mean_and_se(const Estimate& e) {
  if (std::isnan(e.value)) return nullptr;
  return {{"mean", e.value}, {"se", number(e.se)}, {"seeds", e.seeds}};
}

nlohmann::json with_interval(const Estimate& e, const std::optional<Interval>& bootstrap) {
  nlohmann::json json = {{"mean", number(e.value)}, {"se", number(e.se)}, {"ci", nullptr}};
  if (!std::isnan(e.se)) json["ci"] = pair_of(e.lo, e.hi);
  if (bootstrap) json["bootstrap_ci"] = pair_of(bootstrap->lo, bootstrap->hi);
  return json;
}

void add_pgr(nlohmann::json& json, const Pgr& pgr, const std::optional<Interval>& bootstrap) {
  if (pgr.estimate) {
    json["pgr"] = with_interval(*pgr.estimate, bootstrap);
  } else {
    json["pgr"] = nullptr;
    json["pgr_reason"] = pgr.reason;
  }
}

nlohmann::json measures_json(const Measures& measures) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : measures) json[name.text()] = number(value);
  return json;
}

nlohmann::json row_json(const Row& row, const LeaderboardOptions& options) {
  nlohmann::json json = {{"task", row.task},
                         {"weak", row.weak},
                         {"strong", row.strong},
                         {"method", row.method},
                         {"metric", options.metric},
                         {"test", options.test},
                         {"protocol", row.protocol},
                         {"variant", row.variant},
                         {"seeds", row.seeds.size()},
                         {"seed_list", row.seeds},
                         {"examples", row.student.examples},
                         {"level", options.level},
                         {"floor", mean_and_se(row.floor)},
                         {"ceiling", mean_and_se(row.ceiling)},
                         {"student", with_interval(row.student, row.student_bootstrap)},
                         {"rank", row.rank},
                         {"notes", row.notes}};
  if (!row.code.empty()) json["code"] = row.code;
  if (!row.origin.empty()) json["origin"] = row.origin;
  if (row.imported) json["imported"] = true;
  for (std::size_t i = 0; i < row.group.size(); ++i) json["by"][options.by[i]] = row.group[i];
  add_pgr(json, row.pgr, row.pgr_bootstrap);
  if (row.pgr.estimate) {
    nlohmann::json per_seed = nlohmann::json::object();
    for (const std::int64_t seed : row.seeds) {
      const auto it = row.pgr_per_seed.find(seed);
      per_seed[std::to_string(seed)] =
          it == row.pgr_per_seed.end() ? nlohmann::json(nullptr) : number(it->second);
    }
    json["pgr"]["per_seed"] = std::move(per_seed);
  }
  if (!row.supervision.empty()) json["supervision"] = measures_json(row.supervision);
  if (const auto it = row.supervision.find("agreement"); it != row.supervision.end())
    json["agreement"] = it->second;
  if (!row.cost.empty()) json["cost"] = measures_json(row.cost);
  if (row.oracle) json["oracle"] = *row.oracle;
  for (const auto& [test, shift] : row.shifts) {
    nlohmann::json& out = json["out_of_distribution"][test];
    out = {{"floor", mean_and_se(shift.floor)},
           {"ceiling", mean_and_se(shift.ceiling)},
           {"student", with_interval(shift.student, {})},
           {"drop", number(shift.drop)}};
    add_pgr(out, shift.pgr, {});
  }
  if (!row.compared_with.empty()) {
    const PairedTest& test = row.comparison;
    json["comparison"] = {{"baseline", row.compared_with},
                          {"difference", with_interval(test.difference, {})},
                          {"test", test.test},
                          {"p", number(test.p)},
                          {"p_holm", number(row.p_holm)},
                          {"bootstrap_p", number(test.bootstrap_p)},
                          {"smallest_detectable_difference", number(test.detectable)}};
  }
  return json;
}

}  // namespace

Leaderboard make_leaderboard(const std::vector<Record>& records, const LeaderboardOptions& options,
                             const LoadCorrectness& load, const LoadProvenance& provenance) {
  return Builder(records, options, load, provenance).build();
}

nlohmann::json to_json(const Leaderboard& board) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : board.rows) rows.push_back(row_json(row, board.options));
  return rows;
}

}  // namespace w2s
