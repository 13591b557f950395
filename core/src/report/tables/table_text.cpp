#include "report/tables/table_text.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/display_width.hpp"
#include "report/leaderboard/sweep_keys.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

const char* const kNone = "–";

std::string decimal(double value, int digits) {
  if (!std::isfinite(value)) return kNone;
  if (std::abs(value) >= 1000) return fmt::format("{:.3g}", value);
  return fmt::format("{:.{}f}", value, std::abs(value) >= 100 ? 0 : digits);
}

std::string with_se(const Estimate& e) {
  if (std::isnan(e.value)) return "unknown";
  return std::isnan(e.se) ? decimal(e.value, 3)
                          : fmt::format("{} ± {}", decimal(e.value, 3), decimal(e.se, 3));
}

std::string with_interval(const Estimate& e, int digits) {
  if (std::isnan(e.lo)) return decimal(e.value, digits);
  return fmt::format("{} [{}, {}]", decimal(e.value, digits), decimal(e.lo, digits), decimal(e.hi, digits));
}

std::string pgr_text(const Pgr& pgr) { return pgr.estimate ? with_interval(*pgr.estimate, 2) : "undefined"; }

std::string p_text(double p) {
  if (std::isnan(p)) return kNone;
  return p < 0.001 ? "<.001" : fmt::format("{:.3f}", p);
}

std::string measure_text(const Measures& measures, const char* name) {
  const auto it = measures.find(name);
  return it == measures.end() ? kNone : decimal(it->second, 3);
}

std::string rank_text(double rank) {
  return rank == std::floor(rank) ? fmt::format("{:.0f}", rank) : fmt::format("{:.1f}", rank);
}

std::string percent(double level) { return fmt::format("{:g} %", level * 100); }

bool any_oracle(TableRows block) {
  return std::any_of(block.begin(), block.end(), [](const Row& row) { return row.oracle.has_value(); });
}

/// All rows of the table share floor and ceiling.
bool is_one_block(TableRows block) {
  return std::all_of(block.begin(), block.end(), [&](const Row& row) { return row.block == block[0].block; });
}

std::string variant_text(const nlohmann::json& variant) {
  std::string point;
  for (const auto& [key, value] : variant.items())
    point += fmt::format("{}{} = {}", point.empty() ? "" : ", ", key, value.dump());
  return point;
}

/// What a row is of, by name.
std::vector<std::pair<std::string, std::string>> fields_of(const Row& row) {
  return {{"task", row.task},
          {"pair", row.weak + " → " + row.strong},
          {"variant", variant_text(block_variant(row.variant))},
          {"protocol", "protocol " + row.protocol.substr(0, 8)},
          {"seed", row.seed ? fmt::format("seed {}", *row.seed) : ""},
          {"origin", row.origin.empty() ? "" : "from " + row.origin},
          {"method", row.name}};
}

/// The fields in which the rows of the table differ; of rows that are all alike, the method.
Cells labels_of(TableRows block, const LeaderboardOptions& options) {
  const bool by_method = std::find(options.by.begin(), options.by.end(), "method") != options.by.end();
  const auto first = fields_of(block[0]);
  std::vector<bool> differs(first.size(), false);
  differs.back() = is_one_block(block) && !by_method;
  for (const Row& row : block) {
    const auto fields = fields_of(row);
    for (std::size_t i = 0; i < fields.size(); ++i)
      differs[i] = differs[i] || fields[i].second != first[i].second;
  }
  if (std::none_of(differs.begin(), differs.end(), [](bool d) { return d; })) {
    if (by_method)
      differs[0] = differs[1] = true;
    else
      differs.back() = true;
  }
  Cells labels;
  for (const Row& row : block) {
    const auto fields = fields_of(row);
    std::string label;
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (differs[i] && !fields[i].second.empty())
        label += fmt::format("{}{}", label.empty() ? "" : " · ", printable(fields[i].second));
    labels.push_back(label);
  }
  return labels;
}

std::string baselines_text(const Row& row) {
  return fmt::format("floor {}   ceiling {}   gap {}", with_se(row.floor), with_se(row.ceiling),
                     with_se(row.pgr.gap));
}

std::string sizes_text(const Row& row, const LeaderboardOptions& options) {
  std::string text = fmt::format("{} on {}", options.metric, printable(options.test));
  if (row.student.examples > 0) text += fmt::format(", {} examples", row.student.examples);
  return text;
}

}  // namespace

std::vector<TableRows> tables_of(const Leaderboard& board) {
  const auto together = [&](const Row& a, const Row& b) {
    return board.options.by.empty() ? a.block == b.block : a.group == b.group;
  };
  std::vector<TableRows> tables;
  for (std::size_t start = 0, end = 0; start < board.rows.size(); start = end) {
    while (end < board.rows.size() && together(board.rows[end], board.rows[start])) ++end;
    tables.emplace_back(&board.rows[start], end - start);
  }
  return tables;
}

Grid main_grid(TableRows block, const LeaderboardOptions& options) {
  const bool oracle = any_oracle(block), one = is_one_block(block);
  const bool labelled = !one || !options.by.empty();
  Grid grid;
  grid.header = {labelled ? "" : "method", "seeds"};
  if (!one) grid.header.insert(grid.header.end(), {"floor", "ceiling"});
  grid.header.insert(grid.header.end(), {options.metric, "PGR"});
  if (one) grid.header.push_back("agree");
  grid.header.push_back("p Holm");
  if (one) grid.header.push_back("rank");
  if (oracle && one) grid.header.push_back("oracle");
  const Cells labels = labels_of(block, options);
  for (std::size_t i = 0; i < block.size(); ++i) {
    const Row& row = block[i];
    Cells cells = {labels[i], std::to_string(row.seeds.size())};
    if (!one) {
      cells.push_back(decimal(row.floor.value, 3));
      cells.push_back(decimal(row.ceiling.value, 3));
    }
    cells.push_back(with_interval(row.student, 3));
    cells.push_back(pgr_text(row.pgr));
    if (one) cells.push_back(measure_text(row.supervision, "agreement"));
    cells.push_back(p_text(row.p_holm));
    if (one) cells.push_back(rank_text(row.rank));
    if (oracle && one) cells.push_back(row.oracle ? decimal(*row.oracle, 3) : kNone);
    grid.rows.push_back(std::move(cells));
  }
  return grid;
}

Grid shift_grid(TableRows block, const LeaderboardOptions& options) {
  Grid grid;
  grid.header = {options.by.empty() ? "test set · method" : "test set",
                 "floor",
                 "ceiling",
                 options.metric,
                 "PGR",
                 "drop"};
  const Cells labels = labels_of(block, options);
  std::map<std::string, std::vector<Cells>> by_test;
  for (const Row& row : block)
    for (const auto& [test, shift] : row.shifts)
      by_test[test].push_back({fmt::format("{} · {}", printable(test), labels[&row - block.data()]),
                               decimal(shift.floor.value, 3), decimal(shift.ceiling.value, 3),
                               with_interval(shift.student, 3), pgr_text(shift.pgr), decimal(shift.drop, 3)});
  for (auto& [test, rows] : by_test) grid.rows.insert(grid.rows.end(), rows.begin(), rows.end());
  return grid;
}

std::string table_name(TableRows block, const LeaderboardOptions& options) {
  const Row& row = block[0];
  const bool by_method = std::find(options.by.begin(), options.by.end(), "method") != options.by.end();
  if (by_method || (!options.by.empty() && !is_one_block(block))) {
    std::string name;
    for (std::size_t i = 0; i < options.by.size(); ++i)
      name += fmt::format("{}{} {}", i > 0 ? ", " : "", options.by[i], printable(row.group[i]));
    return name;
  }
  std::string name =
      fmt::format("{}: {} → {}", printable(row.task), printable(row.weak), printable(row.strong));
  if (const std::string point = variant_text(block_variant(row.variant)); !point.empty())
    name += fmt::format(" ({})", printable(point));
  if (row.seed) name += fmt::format(", seed {}", *row.seed);
  if (!row.origin.empty()) name += fmt::format(", from {}", printable(row.origin));
  return name;
}

std::string table_facts(TableRows block, const LeaderboardOptions& options) {
  const std::string sizes = sizes_text(block[0], options);
  return is_one_block(block) ? baselines_text(block[0]) + "   " + sizes : sizes;
}

std::string detectable_text(TableRows block) {
  std::vector<double> found;
  for (const Row& row : block)
    if (!row.compared_with.empty() && std::isfinite(row.comparison.detectable))
      found.push_back(row.comparison.detectable);
  if (found.empty()) return "";
  const auto [least, most] = std::minmax_element(found.begin(), found.end());
  const std::string low = decimal(*least, 3), high = decimal(*most, 3);
  return "differences that these seeds and examples would show: " +
         (low == high ? low : fmt::format("{} to {}, by method,", low, high)) + " or more";
}

std::vector<std::string> remarks(TableRows block, const LeaderboardOptions& options) {
  std::vector<std::pair<std::string, Cells>> found;
  const auto add = [&](const std::string& remark, const std::string& label) {
    auto it =
        std::find_if(found.begin(), found.end(), [&](const auto& entry) { return entry.first == remark; });
    if (it == found.end()) it = found.insert(found.end(), {remark, {}});
    it->second.push_back(label);
  };
  const Cells labels = labels_of(block, options);
  for (std::size_t i = 0; i < block.size(); ++i) {
    const Row& row = block[i];
    if (!row.pgr.estimate) add("PGR " + row.pgr.reason, labels[i]);
    if (!row.pgr.no_interval.empty()) add("PGR " + row.pgr.no_interval, labels[i]);
    for (const auto& note : row.notes) add(note, labels[i]);
    for (const auto& [test, shift] : row.shifts)
      if (const std::string& why = shift.pgr.estimate ? shift.pgr.no_interval : shift.pgr.reason;
          !why.empty())
        add(fmt::format("{}: PGR {}", test, why), labels[i]);
  }
  std::vector<std::string> lines;
  for (const auto& [remark, rows] : found) {
    const std::string who = rows.size() == block.size() ? "" : fmt::format("{}: ", fmt::join(rows, ", "));
    lines.push_back(who + printable(remark));
  }
  return lines;
}

std::string ranks_text(const Leaderboard& board) {
  std::string text;
  for (const MeanRank& mean : board.ranks)
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", printable(mean.method), mean.rank);
  return text.empty() ? text : fmt::format("Mean rank over {} task(s): {}", board.ranks[0].tasks, text);
}

std::vector<std::string> legend(const Leaderboard& board) {
  const LeaderboardOptions& options = board.options;
  const std::string level = percent(options.level);
  const auto has = [&](auto test) { return std::any_of(board.rows.begin(), board.rows.end(), test); };
  std::vector<std::string> lines = {
      "seeds: number of seeds of the student; floor and ceiling are means over all seeds of their table",
      fmt::format("{}: mean over seeds [{} interval over seeds and test examples], {} is better",
                  options.metric, level, higher_is_better(options.metric) ? "more" : "less"),
      fmt::format(
          "PGR: (student − floor) / (ceiling − floor), means over all seeds [{} interval]; undefined where "
          "the gap is less than 2 standard errors",
          level),
      "floor, ceiling, gap: mean ± standard error over seeds and test examples",
      "agree: share of test examples on which student and supervisor predict the same"};
  if (!options.baseline.empty())
    lines.push_back(
        fmt::format("p Holm: two-sided paired test against {}, adjusted for all comparisons shown",
                    printable(options.baseline)));
  if (has([](const Row& row) {
        return std::isfinite(row.comparison.detectable) && !row.compared_with.empty();
      }))
    lines.push_back(
        "differences that would show: the smallest true difference from the baseline that its test finds "
        "with "
        "probability 0.8 at level 0.05");
  lines.push_back("rank: by score in its block, ties share");
  if (has([](const Row& row) { return row.oracle.has_value(); }))
    lines.push_back(
        "oracle: score of the checkpoint that ground truth would choose; not attainable, for analysis");
  if (has([](const Row& row) { return !row.shifts.empty(); }))
    lines.push_back("drop: score on the main test set minus score on this one");
  return lines;
}

}  // namespace w2s
