// The options of w2s run that say how the jobs are carried out. None of them changes a result.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../options.hpp"
#include "launch/pool.hpp"

namespace w2s::app {

enum class Launcher { local, slurm };
constexpr auto enum_names(Launcher) { return std::array{"local", "slurm"}; }

enum class LogLevel { error, warning, info, debug };
constexpr auto enum_names(LogLevel) { return std::array{"error", "warning", "info", "debug"}; }

struct RunOptions {
  RunOptions();
  std::int64_t jobs;  // by default as many as there are cores
  std::int64_t threads = 1;
  std::string device = "cpu";
  std::optional<std::string> devices;
  Launcher launcher = Launcher::local;
  bool dry_run = false;
  std::vector<std::string> job;
  std::int64_t group = 128;
  std::int64_t retry = 0;
  bool fail_fast = false, keep_going = false;
  std::optional<std::string> job_timeout, memory;
  double checkpoint_minutes = 5;
  std::optional<std::string> tensorboard;
  LogLevel log_level = LogLevel::info;
  bool no_isolation = false;
  bool quiet = false;
  // Of a team (team.hpp)
  std::optional<std::int64_t> processes;
  bool no_team = false;
  std::string team_timeout = "10m";
};
void describe(OptionSchema<RunOptions>& options);

/// Throws UsageError. `args`: the command line, to be told how to repeat one job.
PoolOptions pool_options(const Options& options, const RunOptions& how, const Args& args);
/// --log-level and --quiet, for messages of this process.
void set_log_level(const Options& options, const RunOptions& how);

}  // namespace w2s::app
