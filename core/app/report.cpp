// w2s report: an experiment, or all, as one HTML page.
#include <filesystem>

#include <fmt/format.h>

#include "base/files.hpp"
#include "commands.hpp"
#include "report/html_report.hpp"
#include "results/collection.hpp"
#include "results/ledger.hpp"
#include "table_options.hpp"

namespace w2s::app {

namespace {

struct ReportCommand {
  TableOptions table;
  std::string out = "report.html";
};
void describe(OptionSchema<ReportCommand>& s) {
  s.option("out", &ReportCommand::out, "FILE", "the page to write");
}

}  // namespace

int report(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  ReportCommand wanted;
  take(options, wanted.table);
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const std::string& out = wanted.out;
  if (out.empty() || std::filesystem::is_directory(out)) {
    throw UsageError("--out takes the name of a file to write; found " +
                     (out.empty() ? "nothing" : "the folder '" + out + "'"));
  }
  if (const std::string folder = parent_directory(out); !std::filesystem::is_directory(folder)) {
    throw UsageError("--out: there is no folder '" + folder + "'");
  }
  const Collection collection(wanted.table.stores.runs);
  std::size_t missing = 0;
  const std::vector<Record> records = collection.records(options.arguments("experiment"), &missing);
  const Leaderboard board =
      make_leaderboard(records, table_options(wanted.table), stored_correctness, collection.provenance());
  const nlohmann::json data = report_data(records, board, collection);
  const std::string page = html_page(data);
  write_file_atomically(out, page);
  fmt::print("{}: {} rows, {} runs, {:.1f} MB\n", out, board.rows.size(), data.at("runs").size(),
             static_cast<double>(page.size()) / 1e6);
  say_missing(missing);
  return 0;
}

}  // namespace w2s::app
