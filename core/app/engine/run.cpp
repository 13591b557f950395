// w2s run: experiment → plan → jobs → records → table.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/terminal.hpp"
#include "commands.hpp"
#include "experiment_options.hpp"
#include "idle_threads.hpp"
#include "launch/pool.hpp"
#include "report/tables.hpp"
#include "results/ledger.hpp"
#include "run_options.hpp"
#include "slurm.hpp"
#include "team.hpp"
#include "values/toml.hpp"

namespace w2s::app {
namespace {

void save_names(const Plan& plan, const Store& store) {
  std::map<std::string, std::pair<std::vector<LedgerEntry>, std::vector<std::string>>> ledgers;
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    const Experiment& experiment = plan.experiments[e];
    auto& [entries, resolved] = ledgers[experiment.name];
    resolved.push_back(experiment.to_toml());
    const nlohmann::json variant = nlohmann::json::parse(write_json(Value(experiment.variant)));
    for (const Job& job : plan.records[e]) {
      entries.push_back({job.key, name_of(job.kind), experiment.task_name, job.weak, job.strong, job.method,
                         job.floor, job.ceiling, job.seed, variant});
    }
  }
  for (const auto& [name, ledger] : ledgers) save_ledger(store.root(), name, ledger.first, ledger.second);
}

void print_summary(const Plan& plan, const Summary& summary) {
  fmt::print(stderr, "{} jobs: {} done before, {} run now", plan.jobs.size(), summary.found,
             summary.ran - summary.failures.size());
  if (!summary.failures.empty()) fmt::print(stderr, ", {} failed", summary.failures.size());
  if (summary.skipped > 0) fmt::print(stderr, ", {} not run", summary.skipped);
  fmt::print(stderr, "; fits: {} computed, {} found in the store\n", summary.fits_computed,
             summary.fits_found);
  // One mistake that fails many jobs is told once; jobs stand in the plan's order, whichever failed first.
  std::map<std::string, std::map<std::size_t, const Failure*>> reasons;
  for (const Failure& failure : summary.failures) reasons[failure.reason][failure.job] = &failure;
  for (const auto& [reason, failures] : reasons) {
    fmt::print(stderr, "\nfailed: {}\n", reason);
    for (const auto& [job, failure] : failures) {
      fmt::print(stderr, "  {}, log: {}\n", failure->title, failure->log);
      if (failure->attempts > 1) fmt::print(stderr, "    tried {} times\n", failure->attempts);
      if (job == failures.begin()->first) {
        for (const std::string& line : failure->log_lines) fmt::print(stderr, "    | {}\n", line);
      }
      if (!failure->command.empty()) fmt::print(stderr, "    again: {}\n", failure->command);
    }
  }
}

int exit_status(const Summary& summary) {
  if (summary.interrupted) return 130;
  return summary.failures.empty() && summary.skipped == 0 ? 0 : 1;
}

Store open_store(const std::string& root) {
  if (std::filesystem::exists(root) && !std::filesystem::is_directory(root)) {
    throw UsageError("--runs '" + root + "' is a file: expected a folder, which is made where it is missing");
  }
  return Store(root);
}

// The leader compiles what a team's plugins need, then the others find it.
LoadedExperiments load_in_turn(const Options& options, const ExperimentOptions& wanted, Team* team) {
  if (team != nullptr && !team->leads()) team->barrier();
  LoadedExperiments loaded = load(options, wanted);
  if (team != nullptr && team->leads()) team->barrier();
  return loaded;
}

// The command line of w2s run.
struct Wanted {
  ExperimentOptions experiment;
  StoreOption store;
  RunOptions how;
};

int run_experiment(const Options& options, const Wanted& wanted, const Args& args, const PoolOptions& pool) {
  LoadedExperiments loaded = load_in_turn(options, wanted.experiment, pool.team);
  Store store = open_store(wanted.store.runs);
  if (pool.team != nullptr) store.go_in_lockstep(*pool.team);
  Plan plan = make_plan(std::move(loaded.experiments), loaded.registry, &store);
  if (!wanted.how.job.empty()) keep_only(plan, wanted.how.job);
  if (pool.team != nullptr) follow_leader(plan, *pool.team);
  if (store.leads()) {
    for (const std::string& line : anew(plan, store)) spdlog::info("{}", line);
    save_names(plan, store);
  }
  if (on_cluster(options, wanted.how)) return submit_to_slurm(plan, options, wanted.how, wanted.store, args);
  Display display(isatty(STDERR_FILENO) != 0 && spdlog::should_log(spdlog::level::info));
  const Summary summary = run_plan(plan, loaded.registry, store, pool, display);
  if (!store.leads()) {
    if (pool.team->lost() && !pool.team->leader_reports()) throw Error(summary.failures.back().reason);
    return exit_status(summary);
  }

  std::vector<std::string> names;
  for (const Experiment& experiment : plan.experiments) {
    if (std::find(names.begin(), names.end(), experiment.name) == names.end())
      names.push_back(experiment.name);
  }
  const std::vector<Record> records = load_records(store, names);
  const bool any_student = std::any_of(records.begin(), records.end(),
                                       [](const Record& record) { return record.kind == "student"; });
  if (any_student) {
    TableStyle style;
    if (const std::size_t width = terminal_width(STDOUT_FILENO); width > 0) style.width = width;
    style.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    LeaderboardOptions shown;
    shown.replicates = 0;  // the table does not show the bootstrap
    const Leaderboard board = make_leaderboard(records, shown, stored_correctness, provenance_loader(store));
    std::cout << table_format("table").write(board, style);
  }
  print_summary(plan, summary);
  return exit_status(summary);
}

}  // namespace

int run(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  Wanted wanted;
  take(options, wanted.experiment);
  options.take(wanted.store);
  options.take(wanted.how);
  if (!options.parse(args)) return 0;
  PoolOptions pool = pool_options(options, wanted.how, args);
  let_idle_threads_sleep(pool.job.threads);
  if (starts_processes(wanted.how)) return run_processes(options, wanted.how, args);

  spdlog::set_default_logger(spdlog::stderr_color_mt("w2s"));
  spdlog::set_pattern("%H:%M:%S %v");
  set_log_level(options, wanted.how);

  const std::unique_ptr<Team> team = join_team(options, wanted.how, pool);
  if (!team) return run_experiment(options, wanted, args, pool);
  return run_in_team(*team, [&] { return run_experiment(options, wanted, args, pool); });
}

}  // namespace w2s::app
