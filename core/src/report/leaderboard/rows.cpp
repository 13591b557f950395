#include "report/leaderboard/rows.hpp"

#include <limits>
#include <set>

#include <fmt/format.h>

#include "report/leaderboard/doubts.hpp"
#include "report/leaderboard/means.hpp"
#include "report/leaderboard/sign.hpp"

namespace w2s {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Estimate unknown() {
  Estimate estimate;
  estimate.value = estimate.se = estimate.df = estimate.lo = estimate.hi = kNaN;
  return estimate;
}

std::vector<std::int64_t> seeds_of(const Block& block) {
  std::set<std::int64_t> seeds;
  for (const MethodRuns& method : block.methods)
    for (const auto& run : method.by_seed) seeds.insert(run.first);
  return {seeds.begin(), seeds.end()};
}

/// The rows of one block: what they share is computed once.
class RowMaker {
 public:
  RowMaker(const Block& block, const Selection& selection, const ScoreReader& reader)
      : block_(block),
        selection_(selection),
        options_(selection.options()),
        reader_(reader),
        seeds_(seeds_of(block)),
        has_floor_(reader.any_measured(block.floors, options_.test)),
        has_ceiling_(reader.any_measured(block.ceilings, options_.test)) {}

  std::vector<Row> make() {
    std::vector<Row> rows;
    if (!read_scores()) return rows;
    std::vector<double> means;
    for (std::size_t m = 0; m < shown_.size(); ++m) {
      rows.push_back(row(m));
      means.push_back(scores_->mean(column_of(m)));
    }
    const auto ranks = midranks(means);
    for (std::size_t m = 0; m < rows.size(); ++m) rows[m].rank = ranks[m];
    if (reader_.sign() < 0)
      for (Row& row : rows) restore_sign(row);
    return rows;
  }

 private:
  /// False where there is nothing to show.
  bool read_scores() {
    std::vector<const RunsBySeed*> runs;
    if (has_floor_) runs.push_back(&block_.floors);
    if (has_ceiling_) runs.push_back(&block_.ceilings);
    first_student_ = runs.size();
    for (const MethodRuns& method : block_.methods) {
      if (!reader_.any_measured(method.by_seed, options_.test)) continue;
      shown_.push_back(&method);
      runs.push_back(&method.by_seed);
    }
    if (shown_.empty()) return false;
    scores_ = reader_.columns(runs, seeds_, options_.test);
    if (!scores_) return false;
    if (options_.replicates > 0 && scores_->seeds() + scores_->examples() > 1)
      bootstrap_.emplace(*scores_, options_.replicates, options_.seed);
    if (has_floor_ && has_ceiling_) gap_.emplace(*scores_, 0, 1, options_.level);
    floor_ = has_floor_ ? scores_->column(0, options_.level) : unknown();
    ceiling_ = has_ceiling_ ? scores_->column(has_floor_ ? 1 : 0, options_.level) : unknown();
    for (std::size_t m = 0; m < shown_.size(); ++m)
      if (shown_[m]->method == selection_.baseline()) baselines_.push_back(m);
    return true;
  }

  std::size_t column_of(std::size_t method) const { return first_student_ + method; }
  const Bootstrap* bootstrap() const { return bootstrap_ ? &*bootstrap_ : nullptr; }

  Row row(std::size_t m) const {
    const std::size_t k = column_of(m);
    Row row = names(*shown_[m]);
    row.floor = floor_;
    row.ceiling = ceiling_;
    for (std::size_t s = 0; s < seeds_.size(); ++s) {
      if (!scores_->has(k, s)) continue;
      row.seeds.push_back(seeds_[s]);
      row.runs.push_back(selection_.index().place_of(*shown_[m]->by_seed.at(seeds_[s])));
    }
    row.student = scores_->column(k, options_.level);
    if (bootstrap_) row.student_bootstrap = bootstrap_interval(*bootstrap_, k, options_.level);
    fill_pgr(row, k);
    fill_means(row, *shown_[m]);
    fill_shifts(row, *shown_[m]);
    fill_comparison(row, m);
    add_notes(row, *shown_[m]);
    return row;
  }

  Row names(const MethodRuns& runs) const {
    Row row;
    const Record& first = *block_.first;
    row.imported = first.imported;
    std::set<std::string> origins;
    for (const auto& [seed, record] : runs.by_seed) origins.insert(record->origin);
    for (const std::string& origin : origins) row.origin += (row.origin.empty() ? "" : ", ") + origin;
    if (selection_.by_seed()) row.seed = first.seed;
    row.task = first.task;
    row.protocol = first.protocol;
    row.variant = runs.variant;
    row.name = method_name(runs.method, runs.variant);
    row.weak = first.weak;
    row.strong = first.strong;
    row.method = runs.method;
    row.code = runs.code;
    row.notes = block_.notes;
    row.notes.insert(row.notes.end(), runs.notes.begin(), runs.notes.end());
    return row;
  }

  void fill_pgr(Row& row, std::size_t k) const {
    if (gap_) {
      row.pgr = gap_->pgr(k);
      for (std::size_t s = 0; s < seeds_.size(); ++s)
        if (row.pgr.per_seed[s]) row.pgr_per_seed[seeds_[s]] = *row.pgr.per_seed[s];
      if (bootstrap_ && row.pgr.estimate)
        row.pgr_bootstrap = bootstrap_pgr_interval(*bootstrap_, 0, 1, k, options_.level);
    } else {
      row.pgr.gap = unknown();
      const char* missing = has_floor_ ? "ceiling" : has_ceiling_ ? "floor" : "floor and the ceiling";
      row.pgr.reason = fmt::format("undefined: no record of the {}", missing);
    }
    if (has_floor_) return;
    if (const std::string why = why_unscored(block_.floors, options_.test); !why.empty())
      row.pgr.reason = "undefined: " + why;
  }

  void fill_means(Row& row, const MethodRuns& runs) const {
    Means supervision, cost, oracle;
    for (const auto& [seed, record] : runs.by_seed) {
      if (record->cost.is_object())
        for (auto it = record->cost.begin(); it != record->cost.end(); ++it)
          if (it->is_number()) cost.add(it.key(), it->get<double>());
      supervision.add(record->supervision);
      if (const auto test = record->oracle.find(options_.test); test != record->oracle.end())
        if (const auto value = test->second.find(reader_.metric()); value != test->second.end())
          oracle.add(reader_.metric(), value->second);
    }
    row.supervision = supervision.values();
    row.cost = cost.values();
    if (const Measures mean = oracle.values(); !mean.empty()) row.oracle = mean.begin()->second;
  }

  void fill_shifts(Row& row, const MethodRuns& runs) const {
    std::set<std::string> tests;
    for (const auto& [seed, record] : runs.by_seed)
      for (const auto& [test, measures] : record->tests)
        if (test != options_.test && reader_.measured(*record, test)) tests.insert(test);
    for (const auto& test : tests) {
      Shift shift = shift_of(runs, test);
      shift.drop = row.student.value - shift.student.value;
      row.shifts.emplace(test, std::move(shift));
    }
  }

  Shift shift_of(const MethodRuns& runs, const std::string& test) const {
    Shift shift;
    std::optional<PairedScores> scores;
    if (has_floor_ && has_ceiling_)
      scores = reader_.columns({&block_.floors, &block_.ceilings, &runs.by_seed}, seeds_, test);
    if (scores) {
      shift.floor = scores->column(0, options_.level);
      shift.ceiling = scores->column(1, options_.level);
      shift.student = scores->column(2, options_.level);
      shift.pgr = pgr(*scores, 0, 1, 2, options_.level);
      return shift;
    }
    shift.floor = shift.ceiling = shift.pgr.gap = unknown();
    shift.student = reader_.columns({&runs.by_seed}, seeds_, test)->column(0, options_.level);
    const std::string why = why_unscored(block_.floors, test);
    shift.pgr.reason = "undefined: " + (why.empty() ? "no floor or ceiling on this test set" : why);
    return shift;
  }

  void fill_comparison(Row& row, std::size_t m) const {
    if (baselines_.size() > 1 && row.method != selection_.baseline())
      row.notes.push_back(
          fmt::format("no comparison: '{}' has several versions here", selection_.baseline()));
    if (baselines_.size() != 1 || baselines_[0] == m) return;
    row.compared_with = selection_.baseline();
    row.comparison = paired_test(*scores_, column_of(m), column_of(baselines_[0]), bootstrap());
  }

  void add_notes(Row& row, const MethodRuns& runs) const {
    if (row.student.seeds == 1)
      row.notes.push_back(scores_->examples() > 0
                              ? "one seed: intervals cover the choice of test examples only"
                              : "one seed and no per-example scores: no interval");
    else if (scores_->examples() == 0)
      row.notes.push_back("no per-example scores shared by all runs: intervals cover seeds only");
    const std::size_t most = std::max(has_floor_ ? row.floor.seeds : 0, has_ceiling_ ? row.ceiling.seeds : 0);
    if (most > row.student.seeds) row.notes.push_back(fmt::format("{} of {} seeds", row.student.seeds, most));
    for (std::string& doubt : doubts_of(runs.by_seed, block_.floors, options_.test, reader_.metric()))
      row.notes.push_back(std::move(doubt));
  }

  const Block& block_;
  const Selection& selection_;
  const LeaderboardOptions& options_;
  const ScoreReader& reader_;
  const std::vector<std::int64_t> seeds_;
  const bool has_floor_, has_ceiling_;
  std::vector<const MethodRuns*> shown_;  // methods with a score
  std::size_t first_student_ = 0;         // its column
  std::optional<PairedScores> scores_;    // floor, ceiling where they are there, then shown_
  std::optional<Bootstrap> bootstrap_;
  std::optional<Gap> gap_;
  Estimate floor_, ceiling_;
  std::vector<std::size_t> baselines_;  // versions of the method that the others are compared with
};

}  // namespace

std::vector<Row> rows_of(const Block& block, const Selection& selection, const ScoreReader& scores) {
  return RowMaker(block, selection, scores).make();
}

}  // namespace w2s
