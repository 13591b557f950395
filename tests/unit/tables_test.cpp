#include "report/tables.hpp"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include <w2s/error.hpp>

#include "base/display_width.hpp"
#include "report/leaderboard_json.hpp"

namespace w2s {
namespace {

Record record(const std::string& kind, const std::string& method, int seed, double accuracy) {
  Record r;
  r.key = kind + method + std::to_string(seed);
  r.kind = kind;
  r.task = "sci_q, 科学";
  r.protocol = "p";
  r.weak = "small";
  r.strong = "large";
  r.method = method;
  r.seed = seed;
  r.tests["test"]["accuracy"] = accuracy;
  r.tests["shifted"]["accuracy"] = accuracy - 0.1;
  if (kind == "student") {
    r.floor = "floor" + std::to_string(seed);
    r.ceiling = "ceiling" + std::to_string(seed);
    r.supervision["agreement"] = 0.875;
  }
  return r;
}

std::string written(const Leaderboard& board, const char* format, const TableStyle& style = {}) {
  return table_format(format).write(board, style);
}

std::string r_method(const std::string& kind) { return kind == "student" ? "naive" : ""; }

Leaderboard board(double ceiling = 0.8) {
  std::vector<Record> records;
  for (int seed = 0; seed < 3; ++seed) {
    records.push_back(record("floor", "", seed, 0.60 + 0.004 * seed));
    records.push_back(record("ceiling", "", seed, ceiling - 0.004 * seed));
    records.push_back(record("student", "naive", seed, 0.65 + 0.002 * seed * seed));
    records.push_back(
        record("student", "a|very_long_name_of_a_method_that_no_terminal_would_hold_whole_方法", seed, 0.7));
  }
  return make_leaderboard(records);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(DisplayWidth, CountsColumnsOfTheTerminal) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("科学"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("±−–"), 3u);
  EXPECT_EQ(display_width("\xff"), 1u);
  EXPECT_EQ(fit_left("科学", 3), "科…");
  EXPECT_EQ(fit_right("ab", 4), "  ab");
  EXPECT_EQ(display_width(fit_left("科学技術", 6)), 6u);
  EXPECT_EQ(printable("a\x1b[1m\n"), "a\uFFFD[1m\uFFFD");
}

TEST(TerminalTable, KeepsWithinItsWidth) {
  for (const std::size_t width : {80, 100, 160})
    for (const auto& line : lines_of(written(board(), "table", {width, false})))
      EXPECT_LE(display_width(line), width) << line;
}

TEST(TerminalTable, PrintsFloorAndCeilingAboveTheMethodsAndALegendBelow) {
  const std::string text = written(board(), "table");
  const auto floor = text.find("floor 0.604 ± 0.002   ceiling 0.796 ± 0.002"), method = text.find("naive");
  ASSERT_NE(floor, std::string::npos);
  EXPECT_LT(floor, method);
  EXPECT_LT(method, text.find("PGR: (student − floor) / (ceiling − floor)"));
  EXPECT_NE(text.find("0.875"), std::string::npos);
  EXPECT_NE(text.find("shifted · naive"), std::string::npos);
}

TEST(TerminalTable, UsesColourOnlyWhereAsked) {
  EXPECT_EQ(written(board(), "table").find('\x1b'), std::string::npos);
  EXPECT_NE(written(board(), "table", {100, true}).find('\x1b'), std::string::npos);
}

TEST(TerminalTable, SaysWhyPgrIsUndefinedOnce) {
  const std::string text = written(board(0.609), "table");
  EXPECT_NE(text.find("undefined"), std::string::npos);
  const auto reason = text.find("! PGR undefined: ceiling − floor = 0.001 ±");
  ASSERT_NE(reason, std::string::npos);
  EXPECT_EQ(text.find("! PGR undefined", reason + 1), std::string::npos);
}

TEST(TerminalTable, NamesRowsByWhatTheirTableLeavesOpen) {
  std::vector<Record> records;
  for (const char* strong : {"large", "huge"})
    for (int seed = 0; seed < 3; ++seed)
      for (const char* kind : {"floor", "ceiling", "student"}) {
        Record r = record(kind, r_method(kind), seed,
                          0.6 + 0.1 * (kind[0] == 'c') + 0.05 * (kind[0] == 's') + 0.002 * seed);
        r.key += strong;
        if (!r.floor.empty()) r.floor += strong, r.ceiling += strong;
        r.strong = strong;
        records.push_back(r);
      }
  LeaderboardOptions options;
  options.by = {"method"};
  const std::string text = written(make_leaderboard(records, options), "table");
  EXPECT_NE(text.find("method naive"), std::string::npos);
  EXPECT_NE(text.find("small → large  "), std::string::npos);
  EXPECT_NE(text.find("small → huge  "), std::string::npos);
  EXPECT_NE(text.find("floor  ceiling"), std::string::npos);
  for (const auto& line : lines_of(text)) EXPECT_LE(display_width(line), 100u) << line;
}

TEST(TerminalTable, ANameThatDoesNotFitHasALineOfItsOwn) {
  const std::string text = written(board(), "table", {100, false});
  EXPECT_NE(text.find("  a|very_long_name_of_a_method_that_no_terminal_would_hold_whole_方法\n"),
            std::string::npos);
}

TEST(TerminalTable, SaysWhatEveryColumnIsAndWhatTheTestsCouldShow) {
  const std::string text = written(board(), "table");
  for (const char* column : {"seeds:", "accuracy:", "PGR:", "agree:", "p Holm:", "rank:", "drop:"})
    EXPECT_NE(text.find(std::string("\n") + column), std::string::npos) << column;
  EXPECT_NE(text.find("differences that these seeds and examples would show: 0."), std::string::npos);
}

TEST(TerminalTable, OfNothingSaysSo) {
  EXPECT_EQ(written(make_leaderboard({}), "table"), "no finished students\n");
}

TEST(Csv, QuotesAndKeepsOneLineARowAndTestSet) {
  const std::string text = written(board(), "csv");
  const auto lines = lines_of(text);
  EXPECT_EQ(lines.size(), 1u + 2 * 2);
  EXPECT_EQ(lines[1].find("\"sci_q, 科学\",p,"), 0u);
  const auto commas = std::count(lines[0].begin(), lines[0].end(), ',');
  for (std::size_t i = 1; i < lines.size(); ++i)
    EXPECT_GE(std::count(lines[i].begin(), lines[i].end(), ','), commas) << lines[i];
}

/// Two points of a sweep over a setting of one method.
Leaderboard sweep_board() {
  std::vector<Record> records;
  for (const double q : {0.3, 0.5})
    for (int seed = 0; seed < 3; ++seed) {
      records.push_back(record("floor", "", seed, 0.60 + 0.004 * seed));
      records.push_back(record("ceiling", "", seed, 0.8 - 0.004 * seed));
      records.push_back(record("student", "naive", seed, 0.65));
      records.push_back(record("student", "gce", seed, 0.6 + q / 4 + 0.001 * seed));
      records.back().key += std::to_string(q);
      for (auto r = records.end() - 4; r != records.end(); ++r) r->variant = {{"methods.gce.loss.q", q}};
    }
  return make_leaderboard(records);
}

TEST(TerminalTable, NamesAMethodsPointsOfASweep) {
  const std::string text = written(sweep_board(), "table");
  for (const char* part : {"gce (q = 0.3)", "gce (q = 0.5)", "naive "})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_EQ(text.find("small → large"), text.rfind("small → large"));  // one table
}

TEST(Csv, HasAColumnForEachSweptKey) {
  const auto lines = lines_of(written(sweep_board(), "csv"));
  EXPECT_TRUE(lines[0].ends_with(",methods.gce.loss.q\r")) << lines[0];
  EXPECT_TRUE(lines[1].ends_with(",0.5\r")) << lines[1];
  EXPECT_TRUE(lines.back().ends_with(",\r")) << lines.back();
}

TEST(Markdown, EscapesItsOwnMarks) {
  const std::string text = written(board(), "markdown");
  EXPECT_NE(text.find("### sci\\_q, 科学: small → large"), std::string::npos);
  EXPECT_NE(text.find("| a\\|very\\_long"), std::string::npos);
  EXPECT_NE(text.find("|:--|--:|"), std::string::npos);
}

TEST(Latex, EscapesSpecialCharacters) {
  const std::string text = written(board(), "latex");
  EXPECT_NE(text.find("sci\\_q"), std::string::npos);
  EXPECT_NE(text.find("$\\pm$"), std::string::npos);
  EXPECT_NE(text.find("\\begin{tabular}{lrrrrrr}"), std::string::npos);
  EXPECT_EQ(text.find("→"), std::string::npos);
}

TEST(TableFormats, AreNamed) {
  EXPECT_STREQ(table_format("csv").name, "csv");
  try {
    table_format("mardown");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'markdown'?"), std::string::npos);
  }
}

TEST(JsonTable, IsTheLeaderboard) {
  EXPECT_EQ(nlohmann::json::parse(written(board(), "json")), to_json(board()));
}

}  // namespace
}  // namespace w2s
