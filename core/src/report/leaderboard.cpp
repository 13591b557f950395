#include "report/leaderboard.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "report/measures.hpp"

namespace w2s {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const char* const kPerExampleMetric = "accuracy";

using Students = std::vector<const Record*>;
using Index = std::unordered_map<std::string, const Record*>;

std::string code_of(const Record* record) {
  if (!record || !record->provenance.is_object()) return "";
  const auto it = record->provenance.find("code");
  return it != record->provenance.end() && it->is_string() ? it->get<std::string>() : "";
}

const Record* find(const Index& index, const std::string& key) {
  const auto it = index.find(key);
  return it == index.end() ? nullptr : it->second;
}

std::string short_digest(const std::string& digest) { return digest.substr(0, 8); }

/// True where two students of one seed stand for different keys of what `key` names.
template <class Key>
bool conflicts(const Students& students, Key key) {
  std::map<std::int64_t, std::string> seen;
  for (const Record* record : students) {
    const std::string& mine = key(*record);
    const auto [it, is_new] = seen.emplace(record->seed, mine);
    if (!is_new && it->second != mine) return true;
  }
  return false;
}

/// The students in one part, or one part an experiment where they conflict.
template <class Key>
std::vector<Students> parts_without_conflict(const Students& students, Key key) {
  if (!conflicts(students, key)) return {students};
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
  Builder(const std::vector<Record>& records, const LeaderboardOptions& options, const LoadCorrectness& load)
      : options_(options), load_(load), sign_(higher_is_better(options.metric) ? 1 : -1) {
    check_sort();
    for (const Record& record : records) {
      if (record.key.empty() || index_.emplace(record.key, &record).second) unique_.push_back(&record);
    }
    choose_students();
  }

  Leaderboard build() {
    Leaderboard board;
    board.options = options_;
    board.options.baseline = baseline_;
    std::vector<Row>& rows = board.rows;
    const auto blocks = make_blocks();
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      std::vector<Row> more = rows_of(blocks[b]);
      for (Row& row : more) {
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
    return board;
  }

 private:
  static bool wanted(const std::vector<std::string>& filter, const std::string& name) {
    return filter.empty() || std::find(filter.begin(), filter.end(), name) != filter.end();
  }

  void check_sort() const {
    const std::vector<std::string> sorts = {"pgr", "score", "name", "none"};
    require(sorts, options_.sort, "sort");
  }

  static void require(const std::vector<std::string>& names, const std::string& name,
                      const std::string& what) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    throw UsageError(fmt::format("unknown {} '{}'{}; {}", what, name, did_you_mean(name, names),
                                 names.empty() ? "there is none" : "expected " + one_of_list(names)));
  }

  static void require_all(const std::set<std::string>& there, const std::vector<std::string>& asked,
                          const std::string& what) {
    for (const auto& name : asked) require({there.begin(), there.end()}, name, what);
  }

  void choose_students() {
    std::set<std::string> tasks, weak, strong, methods, tests, metrics;
    for (const Record* record : unique_) {
      if (record->kind != "student") continue;
      tasks.insert(record->task);
      weak.insert(record->weak);
      strong.insert(record->strong);
      methods.insert(record->method);
      for (const auto& [test, measures] : record->tests) {
        tests.insert(test);
        for (const auto& measure : measures) metrics.insert(measure.first);
      }
      students_.push_back(record);
    }
    if (students_.empty()) return;
    require_all(tasks, options_.tasks, "task");
    require_all(weak, options_.weak, "weak model");
    require_all(strong, options_.strong, "strong model");
    require_all(methods, options_.methods, "method");
    require_all(tests, {options_.test}, "test set");
    require_all(metrics, {options_.metric}, "metric");
    if (!options_.baseline.empty()) require_all(methods, {options_.baseline}, "baseline method");
    baseline_ = options_.baseline.empty() && methods.count("naive") ? "naive" : options_.baseline;
    for (const Record* record : students_) protocols_[record->task].insert(record->protocol);
    std::erase_if(students_, [&](const Record* record) {
      return !wanted(options_.tasks, record->task) || !wanted(options_.weak, record->weak) ||
             !wanted(options_.strong, record->strong);
    });
  }

  std::vector<Block> make_blocks() const {
    using Key =
        std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, std::string>;
    std::map<Key, std::size_t> position;
    std::vector<Students> groups;
    for (const Record* record : students_) {
      const Key key{record->task,
                    record->protocol,
                    record->variant.empty() ? "" : record->variant.dump(),
                    record->weak,
                    record->strong,
                    code_of(find(index_, record->floor)),
                    code_of(find(index_, record->ceiling))};
      const auto [it, is_new] = position.emplace(key, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
    }
    const auto place = [](const Students& group) {
      return std::tie(group[0]->task, group[0]->protocol, group[0]->variant);
    };
    std::stable_sort(groups.begin(), groups.end(),
                     [&](const Students& a, const Students& b) { return place(a) < place(b); });
    std::vector<Block> blocks;
    for (const Students& group : groups) {
      const auto baselines = [](const Record& r) { return r.floor + ' ' + r.ceiling; };
      const auto parts = parts_without_conflict(group, baselines);
      for (const Students& part : parts) {
        blocks.push_back(make_block(part));
        if (parts.size() > 1)
          blocks.back().notes.push_back(
              fmt::format("the same names stand for other baselines elsewhere: "
                          "this is experiment '{}'",
                          part[0]->experiment));
      }
    }
    return blocks;
  }

  Block make_block(const Students& students) const {
    Block block;
    block.first = students[0];
    if (protocols_.at(students[0]->task).size() > 1)
      block.notes.push_back(fmt::format("the task appears under several protocols: this is {}",
                                        short_digest(students[0]->protocol)));
    std::map<std::pair<std::string, std::string>, std::size_t> position;
    std::vector<Students> groups;
    for (const Record* record : students) {
      const auto [it, is_new] = position.emplace(std::pair{record->method, code_of(record)}, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
      if (const Record* floor = find(index_, record->floor)) block.floors[record->seed] = floor;
      if (const Record* ceiling = find(index_, record->ceiling)) block.ceilings[record->seed] = ceiling;
    }
    std::map<std::string, int> versions;
    for (const auto& [key, group] : position) ++versions[key.first];
    for (const Students& group : groups) {
      const auto parts =
          parts_without_conflict(group, [](const Record& r) -> const std::string& { return r.key; });
      for (const Students& part : parts) {
        MethodRuns runs{part[0]->method, code_of(part[0]), {}, {}};
        if (versions[runs.method] > 1)
          runs.notes.push_back(
              fmt::format("the method appears in several versions: this is {}",
                          runs.code.empty() ? "one without a digest" : short_digest(runs.code)));
        if (parts.size() > 1)
          runs.notes.push_back(fmt::format("the same names and seed were run twice: this is experiment '{}'",
                                           part[0]->experiment));
        std::size_t replaced = 0;
        for (const Record* record : part)
          replaced += !runs.by_seed.insert_or_assign(record->seed, record).second;
        if (replaced > 0)
          runs.notes.push_back(fmt::format("{} older record(s) of the same seeds left out", replaced));
        block.methods.push_back(std::move(runs));
      }
    }
    return block;
  }

  std::optional<double> measured(const Record& record, const std::string& test) const {
    const auto it = record.tests.find(test);
    if (it == record.tests.end()) return {};
    const auto value = it->second.find(options_.metric);
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
    auto totals = examples;
    bool per_example = load_ && options_.metric == kPerExampleMetric;
    std::size_t size = 0;
    for (std::size_t k = 0; k < runs.size(); ++k)
      for (std::size_t s = 0; s < seeds.size(); ++s) {
        const auto it = runs[k]->find(seeds[s]);
        if (it == runs[k]->end()) continue;
        const auto value = measured(*it->second, test);
        if (!value) continue;
        totals[k][s] = {sign_ * *value};
        if (!per_example) continue;
        const auto right = load_(*it->second, test);
        if (size == 0) size = right.size();
        per_example = size > 1 && right.size() == size;
        examples[k][s].assign(right.begin(), right.end());
      }
    for (const auto& column : totals)
      if (std::all_of(column.begin(), column.end(), [](const auto& seed) { return seed.empty(); })) return {};
    if (per_example) return PairedScores(std::move(examples));
    return PairedScores(std::move(totals), true);
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
    const auto scores = scores_of(runs, seeds, options_.test);
    if (!scores || shown.empty()) return rows;

    std::optional<Bootstrap> bootstrap;
    if (options_.replicates > 0 && scores->seeds() + scores->examples() > 1)
      bootstrap.emplace(*scores, options_.replicates, options_.seed);
    std::optional<std::size_t> baseline;
    for (std::size_t m = 0; m < shown.size(); ++m)
      if (shown[m]->method == baseline_) {
        baseline = baseline ? shown.size() : m;  // several versions: none is the baseline
      }

    std::vector<double> means;
    for (std::size_t m = 0; m < shown.size(); ++m) {
      const std::size_t k = first_student + m;
      Row row = names(block, *shown[m]);
      for (std::size_t s = 0; s < seeds.size(); ++s)
        if (scores->has(k, s)) row.seeds.push_back(seeds[s]);
      fill_scores(row, *scores, floor, ceiling, k, seeds, bootstrap ? &*bootstrap : nullptr);
      if (const std::string why = why_unscored(block.floors, options_.test); !floor && !why.empty())
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

  static Row names(const Block& block, const MethodRuns& runs) {
    Row row;
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

  void fill_scores(Row& row, const PairedScores& scores, bool floor, bool ceiling, std::size_t k,
                   const std::vector<std::int64_t>& seeds, const Bootstrap* bootstrap) const {
    const std::size_t ceiling_column = floor ? 1 : 0;
    row.student = scores.column(k, options_.level);
    row.floor = floor ? scores.column(0, options_.level) : unknown();
    row.ceiling = ceiling ? scores.column(ceiling_column, options_.level) : unknown();
    if (bootstrap) row.student_bootstrap = bootstrap_interval(*bootstrap, k, options_.level);
    if (!floor || !ceiling) {
      row.pgr.gap = unknown();
      const char* missing = floor ? "ceiling" : ceiling ? "floor" : "floor and the ceiling";
      row.pgr.reason = fmt::format("undefined: no record of the {}", missing);
      return;
    }
    row.pgr = pgr(scores, 0, ceiling_column, k, options_.level);
    for (std::size_t s = 0; s < seeds.size(); ++s)
      if (row.pgr.per_seed[s]) row.pgr_per_seed[seeds[s]] = *row.pgr.per_seed[s];
    if (bootstrap && row.pgr.estimate)
      row.pgr_bootstrap = bootstrap_pgr_interval(*bootstrap, 0, ceiling_column, k, options_.level);
  }

  void fill_means(Row& row, const MethodRuns& runs) const {
    std::map<std::string, std::pair<double, double>> sums;
    double oracle = 0, oracles = 0;
    for (const auto& [seed, record] : runs.by_seed) {
      for (const auto& [name, value] : record->supervision) {
        sums[name].first += value;
        sums[name].second += 1;
      }
      if (const auto test = record->oracle.find(options_.test); test != record->oracle.end())
        if (const auto value = test->second.find(options_.metric); value != test->second.end()) {
          oracle += value->second;
          oracles += 1;
        }
    }
    for (const auto& [name, sum] : sums) row.supervision[name] = sum.first / sum.second;
    if (oracles > 0) row.oracle = oracle / oracles;
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

  void sort_rows(std::vector<Row>& rows) const {
    if (options_.sort == "none") return;
    const auto value = [&](const Row& row) {
      if (options_.sort == "pgr" && row.pgr.estimate) return row.pgr.estimate->value;
      return sign_ * row.student.value;
    };
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      if (a.block != b.block) return a.block < b.block;
      if (options_.sort == "name") return a.method < b.method;
      return value(a) > value(b);
    });
  }

  const LeaderboardOptions& options_;
  const LoadCorrectness& load_;
  const double sign_;
  std::string baseline_;
  Index index_;
  Students unique_, students_;
  std::map<std::string, std::set<std::string>> protocols_;  // by task, before filters
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
  if (!row.supervision.empty()) json["supervision"] = row.supervision;
  if (const auto it = row.supervision.find("agreement"); it != row.supervision.end())
    json["agreement"] = it->second;
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
                             const LoadCorrectness& load) {
  return Builder(records, options, load).build();
}

nlohmann::json to_json(const Leaderboard& board) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : board.rows) rows.push_back(row_json(row, board.options));
  return rows;
}

}  // namespace w2s
