// w2s report: an experiment, or all, as one HTML page.
#include <filesystem>

#include <fmt/format.h>

#include "base/files.hpp"
#include "commands.hpp"
#include "report/html_report.hpp"
#include "report/ledger.hpp"

namespace w2s::app {

int report(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  options.add_runs();
  options.add()("out", po::value<std::string>()->value_name("FILE")->default_value("report.html"),
                "the page to write")("metric",
                                     po::value<std::string>()->value_name("NAME")->default_value("accuracy"),
                                     "the measure to show")(
      "baseline", po::value<std::string>()->value_name("METHOD")->default_value(""),
      "the method that the others are compared with; by default 'naive' where there is one")(
      "method", po::value<std::vector<std::string>>()->value_name("NAME"),
      "show this method only; may be repeated")("task",
                                                po::value<std::vector<std::string>>()->value_name("NAME"),
                                                "show this task only; may be repeated");
  if (!options.parse(args)) return 0;
  const std::string out = options.text("out");
  if (out.empty() || std::filesystem::is_directory(out)) {
    throw UsageError("--out takes the name of a file to write; found " +
                     (out.empty() ? "nothing" : "the folder '" + out + "'"));
  }
  if (const std::string folder = parent_directory(out); !std::filesystem::is_directory(folder)) {
    throw UsageError("--out: there is no folder '" + folder + "'");
  }
  const Store store = Store::read_only(options.runs());
  std::size_t missing = 0;
  const std::vector<Record> records = load_records(store, options.list("experiment"), &missing);
  LeaderboardOptions wanted;
  wanted.metric = options.text("metric");
  wanted.baseline = options.text("baseline");
  wanted.methods = options.list("method");
  wanted.tasks = options.list("task");
  const Leaderboard board = make_leaderboard(records, wanted, correctness_loader(store));
  const nlohmann::json data = report_data(records, board, store);
  const std::string page = html_page(data);
  write_file_atomically(out, page);
  fmt::print("{}: {} rows, {} runs, {:.1f} MB\n", out, board.rows.size(), data.at("runs").size(),
             static_cast<double>(page.size()) / 1e6);
  if (missing > 0)
    fmt::print(stderr, "{} runs of these experiments are not done yet; w2s run computes them\n", missing);
  return 0;
}

}  // namespace w2s::app
