// CSV: one line a row and test set, numbers in full precision, empty fields for what is undefined.
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/leaderboard/sweep_keys.hpp"
#include "report/tables/format.hpp"
#include "report/tables/table_text.hpp"

namespace w2s {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

void add_estimate(Cells& cells, const Estimate& e) {
  for (const double value : {e.value, e.se, e.lo, e.hi}) cells.push_back(csv_number(value));
}

Cells csv_cells(const Row& row, const LeaderboardOptions& options, const std::string& test,
                const Shift& scores) {
  Cells cells = {row.task,
                 row.protocol,
                 row.variant.empty() ? "" : row.variant.dump(),
                 row.weak,
                 row.strong,
                 row.method,
                 row.code,
                 options.metric,
                 test,
                 std::to_string(scores.student.seeds),
                 std::to_string(scores.student.examples)};
  for (const Estimate* e : {&scores.floor, &scores.ceiling}) {
    cells.push_back(csv_number(e->value));
    cells.push_back(csv_number(e->se));
  }
  add_estimate(cells, scores.student);
  if (scores.pgr.estimate)
    add_estimate(cells, *scores.pgr.estimate);
  else
    cells.insert(cells.end(), 4, "");
  cells.push_back(scores.pgr.estimate ? scores.pgr.no_interval : scores.pgr.reason);
  return cells;
}

/// Every key that some row was swept over.
std::set<std::string> swept_keys(const Leaderboard& board) {
  std::set<std::string> keys;
  for (const Row& row : board.rows)
    for (const auto& [key, value] : row.variant.items()) keys.insert(key);
  return keys;
}

/// The point of a sweep, a cell a key: empty where the row does not depend on it.
void add_point(Cells& cells, const Row& row, const std::set<std::string>& keys) {
  for (const std::string& key : keys) {
    const auto it = row.variant.find(key);
    cells.push_back(it == row.variant.end() ? "" : sweep_value_text(*it));
  }
}

std::string csv(const Leaderboard& board, const TableStyle&) {
  const std::set<std::string> keys = swept_keys(board);
  const auto line = [](const Cells& cells) {
    std::string text;
    for (std::size_t c = 0; c < cells.size(); ++c) text += (c > 0 ? "," : "") + csv_field(cells[c]);
    return text + "\r\n";
  };
  Cells header = {"task",       "protocol",   "variant",      "weak",     "strong",     "method",
                  "code",       "metric",     "test",         "seeds",    "examples",   "floor",
                  "floor_se",   "ceiling",    "ceiling_se",   "student",  "student_se", "student_lo",
                  "student_hi", "pgr",        "pgr_se",       "pgr_lo",   "pgr_hi",     "pgr_reason",
                  "drop",       "agreement",  "oracle",       "baseline", "difference", "p",
                  "p_holm",     "rank",       "notes",        "origin",   "seed_list",  "fits",
                  "seconds",    "peak_bytes", "energy_joules"};
  header.insert(header.end(), keys.begin(), keys.end());
  std::string text = line(header);
  for (const Row& row : board.rows) {
    Cells cells =
        csv_cells(row, board.options, board.options.test, {row.floor, row.ceiling, row.student, row.pgr, 0});
    const auto agreement = row.supervision.find("agreement");
    cells.push_back("");
    cells.push_back(agreement == row.supervision.end() ? "" : csv_number(agreement->second));
    cells.push_back(row.oracle ? csv_number(*row.oracle) : "");
    cells.push_back(row.compared_with);
    const bool compared = !row.compared_with.empty();
    cells.push_back(compared ? csv_number(row.comparison.difference.value) : "");
    cells.push_back(compared ? csv_number(row.comparison.p) : "");
    cells.push_back(csv_number(row.p_holm));
    cells.push_back(csv_number(row.rank));
    cells.push_back(fmt::format("{}", fmt::join(row.notes, "; ")));
    cells.push_back(row.origin);
    cells.push_back(fmt::format("{}", fmt::join(row.seeds, " ")));
    for (const char* cost : {"fits", "seconds", "peak_bytes", "energy_joules"})
      cells.push_back(row.cost.count(cost) > 0 ? csv_number(row.cost.at(cost)) : "");
    add_point(cells, row, keys);
    text += line(cells);
    for (const auto& [test, shift] : row.shifts) {
      Cells more = csv_cells(row, board.options, test, shift);
      more.push_back(csv_number(shift.drop));
      more.insert(more.end(), 8, "");
      more.push_back(row.origin);
      more.push_back(fmt::format("{}", fmt::join(row.seeds, " ")));
      more.insert(more.end(), 4, "");
      add_point(more, row, keys);
      text += line(more);
    }
  }
  return text;
}

}  // namespace

const TableFormat csv_format{"csv", csv};

}  // namespace w2s
