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
struct LeaderboardCommand {
  TableOptions table;
  std::string format = "table";
  bool json = false;
  std::optional<std::string> by;
  std::string sort = "pgr";
  bool reverse = false;
  std::string from;
  std::optional<std::string> as;
};
void describe(OptionSchema<LeaderboardCommand>& s) {
  s.option("format", &LeaderboardCommand::format, "FORMAT",
           fmt::format("{}", fmt::join(table_format_names(), ", ")));
  s.option("json", &LeaderboardCommand::json, "", "the same as --format json");
  s.option("by", &LeaderboardCommand::by, "FIELDS",
           "a table for each of these, separated by commas: task, pair, weak, strong, method, seed, origin, "
           "protocol "
           "or a key of a sweep; by default task, pair, protocol and point of a sweep");
  s.option(
      "sort", &LeaderboardCommand::sort, "KEY",
      "pgr, score, agreement, p, difference, rank, seeds, seconds, a measure against the supervisor, name or "
      "none");
  s.option("reverse", &LeaderboardCommand::reverse, "", "sort the other way round");
  s.option("from", &LeaderboardCommand::from, "TEXT",
           "export: who or what the records are from; kept with them");
  s.option("as", &LeaderboardCommand::as, "NAME",
           "import: what to call it; by default the archive's name up to its first dot");
}

std::string one_store(const TableOptions& table) {
  const std::vector<std::string>& roots = table.stores.runs;
  if (roots.size() != 1) throw UsageError("leaderboard export and import take one --runs");
  return roots[0];
}

int write_archive(const LeaderboardCommand& wanted, const Args& names) {
  if (names.size() < 2)
    throw UsageError("leaderboard export needs ARCHIVE, the file to write: quick.tar.zst");
  const std::string& archive = names[1];
  const std::string folder = parent_directory(archive);
  if (archive.empty() || std::filesystem::is_directory(archive) || !std::filesystem::is_directory(folder))
    throw UsageError("leaderboard export: '" + archive + "' cannot be a file to write");
  const ArchiveSummary summary = export_records(Store::read_only(one_store(wanted.table)),
                                                {names.begin() + 2, names.end()}, wanted.from, archive);
  fmt::print("{}: {} records of {}, {:.1f} MB, SHA-256 {}\n", archive, summary.records,
             fmt::join(summary.experiments, ", "),
             static_cast<double>(std::filesystem::file_size(archive)) / 1e6, summary.sha256);
  return 0;
}

int read_archive(const LeaderboardCommand& wanted, const Args& names) {
  if (names.size() != 2) throw UsageError("leaderboard import takes one ARCHIVE");
  const std::string name = wanted.as.value_or(import_name(names[1]));
  const std::string root = one_store(wanted.table);
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
  LeaderboardCommand wanted;
  take(options, wanted.table);
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const std::vector<std::string>& names = options.arguments("experiment");
  if (!names.empty() && names[0] == "export") return write_archive(wanted, names);
  if (!names.empty() && names[0] == "import") return read_archive(wanted, names);

  const TableFormat& format = table_format(wanted.json ? "json" : wanted.format);
  LeaderboardOptions shown = table_options(wanted.table);
  if (wanted.by) shown.by = split_list(*wanted.by);
  shown.sort = wanted.sort;
  shown.reverse = wanted.reverse;
  if (!format.shows_bootstrap) shown.replicates = 0;
#ifdef M_TOP_PAD
  mallopt(M_TOP_PAD, 64 << 20);  // of many records: heaps grow by few system calls
#endif
  const Collection collection(wanted.table.stores.runs);
  std::size_t missing = 0;
  // Never taken apart: the process ends with the table, and 100,000 records would take a tenth of its time.
  static const auto* const records = new const std::vector<Record>(collection.records(names, &missing));
  static const auto* const board =
      new const Leaderboard(make_leaderboard(*records, shown, stored_correctness, collection.provenance()));
  TableStyle style;
  if (const std::size_t width = terminal_width(STDOUT_FILENO); width > 0) style.width = width;
  style.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::cout << format.write(*board, style);
  say_missing(missing);
  return 0;
}

}  // namespace w2s::app
