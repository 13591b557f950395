// Leaderboard: from records to one row per (task, protocol, variant, weak, strong, method).
//
// Rows of one block (all but the method) share their floor and ceiling: the means
// over all seeds of the block. Records of different protocol, variant, code,
// LibTorch or kind of device, and those of an import, are never averaged with
// others: they make blocks or rows of their own, with a note that says what
// differs. "Code" is provenance["code"], the digest of what a record's names stand
// for (method, training settings, plugins); where a record has none, its names must do.
// Where one row or block has two records for a seed all the same, records of
// different experiments are kept apart; of one experiment's, the later in the list wins.
// Numbers do not depend on which methods are shown, but for Holm's adjustment.
// The parts are in leaderboard/: selection → blocks → rows → order.
// No I/O but through the callback. Free of LibTorch.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/statistics.hpp"
#include "results/record.hpp"
#include "results/record_loaders.hpp"

namespace w2s {

struct LeaderboardOptions {
  std::string metric = "accuracy";  // any measure of Record::tests; only accuracy has per-example scores
  std::string test = "test";        // the main test set
  std::string baseline;             // method to compare with; "" = "naive" where there is one
  std::vector<std::string> tasks, weak, strong, methods;  // show only these; empty = all
  std::vector<std::string> pairs;                         // "weak:strong"
  std::vector<std::string> where;    // "keep=0.5": points of a sweep; the end of a key is enough
  std::vector<std::string> origins;  // imports or stores
  std::vector<std::int64_t> seeds;
  /// What a table of its own is made for: "task", "pair", "weak", "strong", "method", "seed", "origin",
  /// "protocol" or a key of a sweep; the rest names the rows. Empty = a table a block.
  std::vector<std::string> by;
  /// Rows of a table, best first: "pgr", "score", "agreement", "p", "difference", "rank", "seeds", a measure
  /// against the supervisor, "name" (A first), or "none" (as recorded).
  std::string sort = "pgr";
  bool reverse = false;
  double level = 0.95;            // of intervals
  std::size_t replicates = 2000;  // of the bootstrap; 0 = leave it out
  std::uint64_t seed = 0;         // of the bootstrap
};

/// A further test set, out of distribution.
struct Shift {
  Estimate floor, ceiling, student;
  Pgr pgr;
  double drop =
      0;  // score on the main test set − score here (for measures of which less is better: the rise)
};

struct Row {
  std::size_t block = 0;  // rows of one block follow each other
  std::string task, protocol, weak, strong, method, code;
  nlohmann::json variant;  // point of a sweep, as far as the method depends on it
  std::string name;        // the method, with its own settings that were swept: "gce (q = 0.3)"
  std::string origin;      // Record::origin, where it is not several stores'
  bool imported = false;
  std::optional<std::int64_t> seed;  // where tables are made by seed
  std::vector<std::string> group;    // what LeaderboardOptions::by has here
  std::vector<std::int64_t> seeds;   // of the student
  std::vector<std::size_t> runs;     // [seeds] places of its students in the list that was given
  Estimate floor, ceiling, student;  // NaN and no seeds where a baseline is missing
  Pgr pgr;
  std::map<std::int64_t, double> pgr_per_seed;  // defined ones
  std::optional<Interval> student_bootstrap, pgr_bootstrap;
  Measures supervision;                 // means over the seeds that have them
  Measures cost;                        // of a run, means over its seeds: Record::cost's numbers
  std::optional<double> oracle;         // mean of the oracle checkpoint's score
  std::map<std::string, Shift> shifts;  // by test set
  std::string compared_with;            // method, or "" where there is no comparison
  PairedTest comparison;
  double p_holm = 0;               // over all comparisons of the table; NaN without one
  double rank = 0;                 // in its block by score, 1 = best, ties share
  std::vector<std::string> notes;  // what a reader must know before trusting the row
};

struct MeanRank {
  std::string method;  // Row::name
  double rank = 0;     // mean over tasks of the mean over the task's blocks
  std::size_t tasks = 0;
};

struct Leaderboard {
  LeaderboardOptions options;
  std::vector<Row> rows;
  std::vector<MeanRank> ranks;  // best first; over the blocks that have every method, empty where none has
};

/// Builds the table. `records` holds the wanted students and their baselines, newest last; the same
/// key twice counts once. Throws UsageError where a filter, metric, test set, baseline or sort names
/// nothing that is there.
Leaderboard make_leaderboard(const std::vector<Record>& records, const LeaderboardOptions& options = {},
                             const LoadCorrectness& load = {}, const LoadProvenance& provenance = {});

}  // namespace w2s
