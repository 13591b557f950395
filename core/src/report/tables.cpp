#include "report/tables.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <w2s/error.hpp>

#include "report/display_width.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

const char* const kNone = "–";

using Cells = std::vector<std::string>;

/// First column left, the others right.
struct Grid {
  Cells header;
  std::vector<Cells> rows;
};

using Block = std::span<const Row>;

/// The rows of a table of its own: of one block, or of what --by has in common.
std::vector<Block> blocks_of(const Leaderboard& board) {
  const auto together = [&](const Row& a, const Row& b) {
    return board.options.by.empty() ? a.block == b.block : a.group == b.group;
  };
  std::vector<Block> blocks;
  for (std::size_t start = 0, end = 0; start < board.rows.size(); start = end) {
    while (end < board.rows.size() && together(board.rows[end], board.rows[start])) ++end;
    blocks.emplace_back(&board.rows[start], end - start);
  }
  return blocks;
}

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
  if (std::isnan(e.se)) return decimal(e.value, digits);
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

bool any_oracle(Block block) {
  return std::any_of(block.begin(), block.end(), [](const Row& row) { return row.oracle.has_value(); });
}

/// All rows of the table share floor and ceiling.
bool is_one_block(Block block) {
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
          {"variant", variant_text(row.variant)},
          {"protocol", "protocol " + row.protocol.substr(0, 8)},
          {"seed", row.seed ? fmt::format("seed {}", *row.seed) : ""},
          {"origin", row.origin.empty() ? "" : "from " + row.origin},
          {"method", row.method}};
}

/// The fields in which the rows of the table differ; of rows that are all alike, the method.
Cells labels_of(Block block, const LeaderboardOptions& options) {
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

Grid main_grid(Block block, const LeaderboardOptions& options) {
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

/// One line for each method and out-of-distribution test set; empty where there is none.
Grid shift_grid(Block block, const LeaderboardOptions& options) {
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

/// What the table is of.
std::string block_name(Block block, const LeaderboardOptions& options) {
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
  if (!row.variant.empty()) name += fmt::format(" ({})", printable(variant_text(row.variant)));
  if (row.seed) name += fmt::format(", seed {}", *row.seed);
  if (!row.origin.empty()) name += fmt::format(", from {}", printable(row.origin));
  return name;
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

/// Baselines where the rows share them, and what the score is.
std::string block_facts(Block block, const LeaderboardOptions& options) {
  const std::string sizes = sizes_text(block[0], options);
  return is_one_block(block) ? baselines_text(block[0]) + "   " + sizes : sizes;
}

/// What the comparisons of a table could have shown; "" where it has none.
std::string detectable_text(Block block) {
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

/// Reasons and notes of a block, each once: with the methods' names where not all have it.
std::vector<std::string> remarks(Block block, const LeaderboardOptions& options) {
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
    for (const auto& note : row.notes) add(note, labels[i]);
    for (const auto& [test, shift] : row.shifts)
      if (!shift.pgr.estimate) add(fmt::format("{}: PGR {}", test, shift.pgr.reason), labels[i]);
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

/// Breaks at spaces; lines after the first are indented by two more columns.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out, line(indent, ' ');
  bool has_word = false;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    start = end + 1;
    if (has_word && display_width(line) + 1 + display_width(word) > width) {
      out += line + '\n';
      line.assign(indent + 2, ' ');
      has_word = false;
    }
    if (has_word) line += ' ';
    line += word;
    has_word = true;
  }
  return out + line + '\n';
}

std::string text_grid(const Grid& grid, std::size_t width) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < grid.header.size(); ++c) {
    widths.push_back(display_width(grid.header[c]));
    for (const Cells& row : grid.rows) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::size_t others = 2;
  for (std::size_t c = 1; c < widths.size(); ++c) others += widths[c] + 2;
  widths[0] = std::min(widths[0], width > others + 8 ? width - others : 8);
  const auto line = [&](const Cells& cells) {
    std::string text;
    const bool fits = display_width(cells[0]) <= widths[0];  // else it has a line of its own
    if (!fits) text += "  " + fit_left(cells[0], std::min(width - 2, display_width(cells[0]))) + '\n';
    text += "  " + fit_left(fits ? cells[0] : "", widths[0]);
    for (std::size_t c = 1; c < cells.size(); ++c) text += "  " + fit_right(cells[c], widths[c]);
    return text + '\n';
  };
  std::string text = line(grid.header);
  for (const Cells& row : grid.rows) text += line(row);
  return text;
}

std::string terminal(const Leaderboard& board, const TableStyle& style) {
  const std::size_t width = std::max<std::size_t>(style.width, 80);
  const auto styled = [&](const char* code, const std::string& line) {  // ends within its line
    if (!style.colour) return line;
    const std::size_t end = line.ends_with('\n') ? line.size() - 1 : line.size();
    return fmt::format("\x1b[{}m{}\x1b[0m{}", code, line.substr(0, end), line.substr(end));
  };
  std::string text;
  for (const Block block : blocks_of(board)) {
    text += styled("1", wrapped(block_name(block, board.options), 0, width));
    text += wrapped(block_facts(block, board.options), 2, width) + '\n';
    text += text_grid(main_grid(block, board.options), width);
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += '\n' + text_grid(shifts, width);
    if (const std::string detectable = detectable_text(block); !detectable.empty())
      text += styled("2", wrapped(detectable, 2, width));
    for (const auto& remark : remarks(block, board.options)) text += wrapped("! " + remark, 2, width);
    text += '\n';
  }
  if (board.rows.empty()) return "no finished students\n";
  if (const std::string ranks = ranks_text(board); !ranks.empty()) text += wrapped(ranks, 0, width) + '\n';
  std::string explained;
  for (const auto& line : legend(board)) explained += wrapped(line, 0, width);
  return text + styled("2", explained);
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_grid(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text = "|";
    for (const auto& cell : cells) text += ' ' + markdown_cell(cell) + " |";
    return text + '\n';
  };
  std::string text = line(grid.header) + "|:--|";
  for (std::size_t c = 1; c < grid.header.size(); ++c) text += "--:|";
  text += '\n';
  for (const Cells& row : grid.rows) text += line(row);
  return text;
}

std::string markdown(const Leaderboard& board) {
  std::string text;
  for (const Block block : blocks_of(board)) {
    text += fmt::format("### {}\n\n{}\n\n", markdown_cell(block_name(block, board.options)),
                        markdown_cell(block_facts(block, board.options)));
    text += markdown_grid(main_grid(block, board.options)) + '\n';
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += markdown_grid(shifts) + '\n';
    if (const std::string detectable = detectable_text(block); !detectable.empty())
      text += fmt::format("- {}\n", markdown_cell(detectable));
    for (const auto& remark : remarks(block, board.options))
      text += fmt::format("- {}\n", markdown_cell(remark));
    text += '\n';
  }
  if (const std::string ranks = ranks_text(board); !ranks.empty()) text += markdown_cell(ranks) + "\n\n";
  for (const auto& line : legend(board)) text += fmt::format("- {}\n", markdown_cell(line));
  return text;
}

std::string latex_escaped(const std::string& text) {
  static const std::map<char, const char*> special = {{'&', "\\&"},
                                                      {'%', "\\%"},
                                                      {'$', "\\$"},
                                                      {'#', "\\#"},
                                                      {'_', "\\_"},
                                                      {'{', "\\{"},
                                                      {'}', "\\}"},
                                                      {'~', "\\textasciitilde{}"},
                                                      {'^', "\\textasciicircum{}"},
                                                      {'\\', "\\textbackslash{}"},
                                                      {'<', "\\textless{}"},
                                                      {'>', "\\textgreater{}"}};
  std::string out;
  for (const char c : text) {
    const auto it = special.find(c);
    it == special.end() ? out += c : out += it->second;
  }
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"→", "$\\to$"},
                                 {"±", "$\\pm$"},
                                 {"−", "$-$"},
                                 {"–", "--"},
                                 {"·", "$\\cdot$"},
                                 {"…", "\\ldots{}"}})
    for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size()))
      out.replace(at, from.size(), to);
  return out;
}

std::string latex_grid(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text;
    for (const auto& cell : cells) text += (text.empty() ? "" : " & ") + latex_escaped(cell);
    return text + " \\\\\n";
  };
  std::string text =
      fmt::format("\\begin{{tabular}}{{l{}}}\n\\hline\n", std::string(grid.header.size() - 1, 'r'));
  text += line(grid.header) + "\\hline\n";
  for (const Cells& row : grid.rows) text += line(row);
  return text + "\\hline\n\\end{tabular}\n";
}

std::string latex(const Leaderboard& board) {
  std::string text;
  for (const Block block : blocks_of(board)) {
    text += fmt::format("\\begin{{table}}\n\\caption{{{}. {}.}}\n",
                        latex_escaped(block_name(block, board.options)),
                        latex_escaped(block_facts(block, board.options)));
    text += latex_grid(main_grid(block, board.options));
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += "\n\\medskip\n" + latex_grid(shifts);
    for (const auto& remark : remarks(block, board.options))
      text += fmt::format("\n{{\\footnotesize {}}}\n", latex_escaped(remark));
    text += "\\end{table}\n\n";
  }
  for (const auto& line : legend(board)) text += "% " + line + '\n';
  return text;
}

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
  cells.push_back(scores.pgr.estimate ? "" : scores.pgr.reason);
  return cells;
}

std::string csv(const Leaderboard& board) {
  const auto line = [](const Cells& cells) {
    std::string text;
    for (std::size_t c = 0; c < cells.size(); ++c) text += (c > 0 ? "," : "") + csv_field(cells[c]);
    return text + "\r\n";
  };
  std::string text =
      line({"task",       "protocol", "variant",    "weak",         "strong",     "method",   "code",
            "metric",     "test",     "seeds",      "examples",     "floor",      "floor_se", "ceiling",
            "ceiling_se", "student",  "student_se", "student_lo",   "student_hi", "pgr",      "pgr_se",
            "pgr_lo",     "pgr_hi",   "pgr_reason", "drop",         "agreement",  "oracle",   "baseline",
            "difference", "p",        "p_holm",     "rank",         "notes",      "origin",   "seed_list",
            "fits",       "seconds",  "peak_bytes", "energy_joules"});
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
    text += line(cells);
    for (const auto& [test, shift] : row.shifts) {
      Cells more = csv_cells(row, board.options, test, shift);
      more.push_back(csv_number(shift.drop));
      more.insert(more.end(), 8, "");
      more.push_back(row.origin);
      more.push_back(fmt::format("{}", fmt::join(row.seeds, " ")));
      more.insert(more.end(), 4, "");
      text += line(more);
    }
  }
  return text;
}

}  // namespace

TableFormat table_format(const std::string& name) {
  const std::vector<std::string> names = {"table", "markdown", "csv", "json", "latex"};
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end())
    throw UsageError(fmt::format("unknown table format '{}'{}; expected {}", name, did_you_mean(name, names),
                                 one_of_list(names)));
  return static_cast<TableFormat>(it - names.begin());
}

std::string format_leaderboard(const Leaderboard& board, TableFormat format, const TableStyle& style) {
  switch (format) {
    case TableFormat::table:
      return terminal(board, style);
    case TableFormat::markdown:
      return markdown(board);
    case TableFormat::csv:
      return csv(board);
    case TableFormat::json:
      return to_json(board).dump(2) + '\n';
    case TableFormat::latex:
      return latex(board);
  }
  throw Error("unknown table format");
}

}  // namespace w2s
