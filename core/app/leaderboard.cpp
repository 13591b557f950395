// w2s leaderboard: the table of an experiment, or of all.
#include <unistd.h>

#include <iostream>

#include <fmt/format.h>

#include "base/terminal.hpp"
#include "commands.hpp"
#include "report/ledger.hpp"
#include "report/tables.hpp"

namespace w2s::app {

int leaderboard(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  options.add_runs();
  options.add()("format", po::value<std::string>()->value_name("FORMAT")->default_value("table"),
                "table, markdown, csv, json or latex")("json", po::bool_switch(),
                                                       "the same as --format json")(
      "metric", po::value<std::string>()->value_name("NAME")->default_value("accuracy"),
      "the measure to show")(
      "baseline", po::value<std::string>()->value_name("METHOD")->default_value(""),
      "the method that the others are compared with; by default 'naive' where there is one")(
      "method", po::value<std::vector<std::string>>()->value_name("NAME"),
      "show this method only; may be repeated")("task",
                                                po::value<std::vector<std::string>>()->value_name("NAME"),
                                                "show this task only; may be repeated")(
      "sort", po::value<std::string>()->value_name("KEY")->default_value("pgr"), "pgr, score, name or none");
  if (!options.parse(args)) return 0;
  const TableFormat format = options.flag("json") ? TableFormat::json : table_format(options.text("format"));
  const Store store = Store::read_only(options.runs());
  std::size_t missing = 0;
  const std::vector<Record> records = load_records(store, options.list("experiment"), &missing);
  LeaderboardOptions wanted;
  wanted.metric = options.text("metric");
  wanted.baseline = options.text("baseline");
  wanted.methods = options.list("method");
  wanted.tasks = options.list("task");
  wanted.sort = options.text("sort");
  const Leaderboard board = make_leaderboard(records, wanted, correctness_loader(store));
  TableStyle style;
  if (const std::size_t width = terminal_width(STDOUT_FILENO); width > 0) style.width = width;
  style.colour = isatty(STDOUT_FILENO) != 0;
  std::cout << format_leaderboard(board, format, style);
  if (missing > 0)
    fmt::print(stderr, "{} runs of these experiments are not done yet; w2s run computes them\n", missing);
  return 0;
}

}  // namespace w2s::app
