// w2s leaderboard: the table of an experiment, or of all; export and import of its records.
#include <malloc.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.hpp"
#include "base/terminal.hpp"
#include "commands.hpp"
#include "report/tables.hpp"
#include "results/archive.hpp"
#include "results/collection.hpp"
#include "results/ledger.hpp"
#include "table_options.hpp"

namespace w2s::app {
namespace {

/// The store that export and import work on.
std::string one_store(const Options& options) {
  const std::vector<std::string> roots = options.list("runs");
  if (roots.size() != 1) throw UsageError("leaderboard export and import take one --runs");
  return roots[0];
}

int write_archive(const Options& options, const Args& names) {
  if (names.size() < 2)
    throw UsageError("leaderboard export needs ARCHIVE, the file to write: quick.tar.zst");
  const std::string& archive = names[1];
  const std::string folder = parent_directory(archive);
  if (archive.empty() || std::filesystem::is_directory(archive) || !std::filesystem::is_directory(folder))
    throw UsageError("leaderboard export: '" + archive + "' cannot be a file to write");
  const ArchiveSummary summary = export_records(
      Store::read_only(one_store(options)), {names.begin() + 2, names.end()}, options.text("from"), archive);
  fmt::print("{}: {} records of {}, {:.1f} MB, SHA-256 {}\n", archive, summary.records,
             fmt::join(summary.experiments, ", "),
             static_cast<double>(std::filesystem::file_size(archive)) / 1e6, summary.sha256);
  return 0;
}

int read_archive(const Options& options, const Args& names) {
  if (names.size() != 2) throw UsageError("leaderboard import takes one ARCHIVE");
  const std::string name = options.given("as") ? options.text("as") : import_name(names[1]);
  const std::string root = one_store(options);
  const ArchiveSummary summary = import_records(names[1], root, name);
  fmt::print("{} records of {}, as '{}' in {}/imports/{}\n", summary.records,
             fmt::join(summary.experiments, ", "), name, root, name);
  fmt::print("every file has its listed digest; the numbers of {} records follow from their predictions{}\n",
             summary.verified,
             summary.verified == summary.records
                 ? ""
                 : fmt::format(", {} keep none", summary.records - summary.verified));
  return 0;
}

}  // namespace

int leaderboard(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  add_table_options(options);
  options.add()("format", po::value<std::string>()->value_name("FORMAT")->default_value("table"),
                fmt::format("{}", fmt::join(table_format_names(), ", ")).c_str())(
      "json", po::bool_switch(), "the same as --format json")(
      "by", po::value<std::string>()->value_name("FIELDS")->default_value(""),
      "a table for each of these, separated by commas: task, pair, weak, strong, method, seed, origin, "
      "protocol or a "
      "key of a sweep; by default task, pair, protocol and point of a sweep")(
      "sort", po::value<std::string>()->value_name("KEY")->default_value("pgr"),
      "pgr, score, agreement, p, difference, rank, seeds, seconds, a measure against the supervisor, name or "
      "none")("reverse", po::bool_switch(), "sort the other way round")(
      "from", po::value<std::string>()->value_name("TEXT")->default_value(""),
      "export: who or what the records are from; kept with them")(
      "as", po::value<std::string>()->value_name("NAME"),
      "import: what to call it; by default the archive's name up to its first dot");
  if (!options.parse(args)) return 0;
  const std::vector<std::string> names = options.list("experiment");
  if (!names.empty() && names[0] == "export") return write_archive(options, names);
  if (!names.empty() && names[0] == "import") return read_archive(options, names);

  const TableFormat& format = table_format(options.flag("json") ? "json" : options.text("format"));
  LeaderboardOptions wanted = table_options(options);
  if (options.given("by")) wanted.by = split_list(options.text("by"));
  wanted.sort = options.text("sort");
  wanted.reverse = options.flag("reverse");
  if (!format.shows_bootstrap) wanted.replicates = 0;
#ifdef M_TOP_PAD
  mallopt(M_TOP_PAD, 64 << 20);  // of many records: heaps grow by few system calls
#endif
  const Collection collection(options.list("runs"));
  std::size_t missing = 0;
  // Never taken apart: the process ends with the table, and 100,000 records would take a tenth of its time.
  static const auto* const records = new const std::vector<Record>(collection.records(names, &missing));
  static const auto* const board =
      new const Leaderboard(make_leaderboard(*records, wanted, stored_correctness, collection.provenance()));
  TableStyle style;
  if (const std::size_t width = terminal_width(STDOUT_FILENO); width > 0) style.width = width;
  style.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::cout << format.write(*board, style);
  say_missing(missing);
  return 0;
}

}  // namespace w2s::app
