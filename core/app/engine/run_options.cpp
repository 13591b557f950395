#include "run_options.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/amounts.hpp"
#include "base/shell.hpp"
#include "plugins/stamp.hpp"

namespace w2s::app {
namespace {

constexpr double kMost = 10'000;  // of jobs, threads, … : more is a mistake

void check_device(const std::string& option, const std::string& device) {
  const bool numbered = device.starts_with("cuda:") && device.size() > 5 && device.size() < 9 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  if (device != "cpu" && device != "cuda" && !numbered) {
    throw UsageError(option + " takes cpu, cuda or cuda:N, found '" + device + "'");
  }
  if (device != "cpu" && host_stamp().get("device") == "cpu") {
    throw UsageError(option + " " + device + ": this w2s was built with a LibTorch for the CPU only");
  }
}

std::vector<std::string> devices(const Options& options, const RunOptions& how) {
  if (options.given("device") && how.devices) throw UsageError("--device is a short --devices: give one");
  if (!how.devices) {
    check_device("--device", how.device);
    return {how.device};
  }
  std::vector<std::string> names;
  std::istringstream list(*how.devices);
  for (std::string name; std::getline(list, name, ',');) {
    check_device("--devices", name);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw UsageError("--devices names " + name + " twice; --jobs says how many jobs run at once");
    }
    names.push_back(name);
  }
  if (names.empty()) throw UsageError("--devices is empty: expected cpu, or cuda:0,cuda:1 …");
  if (names.size() > 1 && std::any_of(names.begin(), names.end(), [](const auto& n) { return n == "cpu"; })) {
    throw UsageError(
        "--devices mixes the CPU and GPUs, whose results differ in their last bits: run one after the other");
  }
  return names;
}

// The command line with --job KEY in the place of its own.
std::string repeating(const Args& args, const Job& job) {
  std::string command = "w2s run";
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--job") {
      ++i;
    } else if (!args[i].starts_with("--job=")) {
      command += " " + shell_quoted(args[i]);
    }
  }
  return command + " --job " + job.key.substr(0, 12);
}

}  // namespace

RunOptions::RunOptions() : jobs(std::max(1U, std::thread::hardware_concurrency())) {}

void describe(OptionSchema<RunOptions>& s) {
  s.option("jobs,j", &RunOptions::jobs, "N",
           "jobs at once, each a process; with --devices one a device by default")
      .in(1, kMost);
  s.option("threads", &RunOptions::threads, "N", "LibTorch threads of each job").in(1, kMost);
  s.option("device", &RunOptions::device, "DEVICE", "cpu, cuda or cuda:N");
  s.option("devices", &RunOptions::devices, "LIST",
           "cuda:0,cuda:1 …: each job goes to the device with the fewest");
  s.option("launcher", &RunOptions::launcher, "NAME",
           "local; or slurm: job arrays, with the resources of [launcher]");
  s.option("dry-run", &RunOptions::dry_run, "", "slurm: print the batch scripts and submit nothing");
  s.option(
      "job", &RunOptions::job, "KEY",
      "only this job, the beginning of a key as w2s plan shows them, and what it needs; may be repeated");
  s.option(
       "group", &RunOptions::group, "N",
       "jobs that fit linear probes share a process, at most so many, and their probes are trained together; "
       "1: each job alone")
      .in(1, kMost);
  s.option("retry", &RunOptions::retry, "N", "try a job that failed again, this often").in(0, kMost);
  s.option("fail-fast", &RunOptions::fail_fast, "",
           "end at the first job that fails; training that is under way saves itself");
  s.option("keep-going", &RunOptions::keep_going, "",
           "the default: a job that fails ends only those that need it");
  s.option("job-timeout", &RunOptions::job_timeout, "TIME", "end a job that takes longer: 90, 10m, 2h");
  s.option("memory", &RunOptions::memory, "SIZE", "end a job that allocates more: 500M, 2G");
  s.option("checkpoint-minutes", &RunOptions::checkpoint_minutes, "MINUTES",
           "training saves itself this often; 0: after every step")
      .at_least(0);
  s.option("tensorboard", &RunOptions::tensorboard, "DIR", "event files of every fit, written as it runs");
  s.option("log-level", &RunOptions::log_level, "LEVEL",
           "error, warning, info or debug (progress goes to the jobs' logs too)");
  s.option("no-isolation", &RunOptions::no_isolation, "",
           "run the jobs in this process, one after another: for debuggers");
  s.option("quiet,q", &RunOptions::quiet, "", "warnings and errors only, and the table");
  s.option("processes", &RunOptions::processes, "N",
           "carry out every fit over N processes of this machine; torchrun, mpirun and srun start them too")
      .in(1, kMost);
  s.option("no-team", &RunOptions::no_team, "",
           "started by torchrun, mpirun or srun: a run of its own all the same");
  s.option("team-timeout", &RunOptions::team_timeout, "TIME",
           "the longest that processes of a team wait for each other");
}

PoolOptions pool_options(const Options& options, const RunOptions& how, const Args& args) {
  PoolOptions pool;
  pool.devices = devices(options, how);
  pool.jobs = static_cast<int>(how.jobs);
  if (how.devices && !options.given("jobs") && pool.devices[0] != "cpu") {
    pool.jobs = static_cast<int>(pool.devices.size());
  }
  pool.job.threads = static_cast<int>(how.threads);
  pool.group = static_cast<int>(how.group);
  pool.retries = static_cast<int>(how.retry);
  pool.fail_fast = how.fail_fast;
  if (how.fail_fast && how.keep_going) throw UsageError("--fail-fast and --keep-going exclude each other");
  if (how.job_timeout) pool.timeout = parse_duration("--job-timeout", *how.job_timeout);
  if (how.memory) pool.memory = parse_size("--memory", *how.memory);
  pool.isolate = !how.no_isolation;
  for (const char* name : {"job-timeout", "memory"}) {
    if (!pool.isolate && options.given(name)) {
      throw UsageError(fmt::format("--{} needs processes: it does not go with --no-isolation", name));
    }
  }
  if (!pool.isolate && pool.devices.size() > 1) {
    throw UsageError("--devices deals out processes: it does not go with --no-isolation");
  }
  pool.job.runner.checkpoints.seconds = 60 * how.checkpoint_minutes;
  if (how.tensorboard) {
    const std::filesystem::path folder = std::filesystem::absolute(*how.tensorboard);
    if (how.tensorboard->empty() || (exists(folder) && !is_directory(folder))) {
      throw UsageError("--tensorboard takes a folder, which is made where it is missing; found '" +
                       *how.tensorboard + "'");
    }
    pool.job.runner.tensorboard = folder.lexically_normal().string();
  }
  pool.job.verbose = how.log_level == LogLevel::debug;
  pool.command = [args](const Job& job) { return repeating(args, job); };
  return pool;
}

void set_log_level(const Options& options, const RunOptions& how) {
  const bool quiet = how.quiet && !options.given("log-level");
  spdlog::set_level(quiet ? spdlog::level::warn : spdlog::level::from_str(name_of(how.log_level)));
}

}  // namespace w2s::app
