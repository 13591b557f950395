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
#include "team.hpp"

namespace w2s::app {
namespace {

const std::vector<std::string> kLevels = {"error", "warning", "info", "debug"};

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

std::vector<std::string> devices(const Options& options) {
  if (options.given("device") && options.given("devices"))
    throw UsageError("--device is a short --devices: give one");
  if (!options.given("devices")) {
    check_device("--device", options.text("device"));
    return {options.text("device")};
  }
  std::vector<std::string> names;
  std::istringstream list(options.text("devices"));
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

double checkpoint_seconds(const Options& options) {
  const std::string text = options.text("checkpoint-minutes");
  char* end = nullptr;
  const double minutes = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(minutes >= 0)) {
    throw UsageError("--checkpoint-minutes takes a number of minutes from 0, found '" + text + "'");
  }
  return 60 * minutes;
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

int at_least(const Options& options, const char* name, int least) {
  const int value = options.values()[name].as<int>();
  if (value < least) throw UsageError(fmt::format("--{} must be at least {}", name, least));
  return value;
}

}  // namespace

void add_run_options(Options& options) {
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto number = [](int fallback) { return po::value<int>()->value_name("N")->default_value(fallback); };
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.add()("jobs,j", number(cores),
                "jobs at once, each a process; with --devices one a device by default")(
      "threads", number(1), "LibTorch threads of each job")("device", text("DEVICE")->default_value("cpu"),
                                                            "cpu, cuda or cuda:N")(
      "devices", text("LIST"), "cuda:0,cuda:1 …: each job goes to the device with the fewest")(
      "launcher", text("NAME")->default_value("local"),
      "local; or slurm: job arrays, with the resources of [launcher]")(
      "dry-run", po::bool_switch(), "slurm: print the batch scripts and submit nothing")(
      "job", po::value<std::vector<std::string>>()->value_name("KEY"),
      "only this job, the beginning of a key as w2s plan shows them, and what it needs; may be repeated")(
      "group", number(128),
      "jobs that fit linear probes share a process, at most so many, and their probes are trained together; "
      "1: each job alone")("retry", number(0), "try a job that failed again, this often")(
      "fail-fast", po::bool_switch(),
      "end at the first job that fails; training that is under way saves itself")(
      "keep-going", po::bool_switch(), "the default: a job that fails ends only those that need it")(
      "job-timeout", text("TIME"), "end a job that takes longer: 90, 10m, 2h")(
      "memory", text("SIZE"), "end a job that allocates more: 500M, 2G")(
      "checkpoint-minutes", text("MINUTES")->default_value("5"),
      "training saves itself this often; 0: after every step")(
      "tensorboard", text("DIR"), "event files of every fit, written as it runs")(
      "log-level", text("LEVEL")->default_value("info"),
      "error, warning, info or debug (progress goes to the jobs' logs too)")(
      "no-isolation", po::bool_switch(), "run the jobs in this process, one after another: for debuggers")(
      "quiet,q", po::bool_switch(), "warnings and errors only, and the table");
  add_team_options(options);
}

PoolOptions pool_options(const Options& options, const Args& args) {
  PoolOptions pool;
  pool.devices = devices(options);
  pool.jobs = at_least(options, "jobs", 1);
  if (options.given("devices") && !options.given("jobs") && pool.devices[0] != "cpu") {
    pool.jobs = static_cast<int>(pool.devices.size());
  }
  pool.job.threads = at_least(options, "threads", 1);
  pool.group = at_least(options, "group", 1);
  pool.retries = at_least(options, "retry", 0);
  pool.fail_fast = options.flag("fail-fast");
  if (pool.fail_fast && options.flag("keep-going"))
    throw UsageError("--fail-fast and --keep-going exclude each other");
  if (options.given("job-timeout"))
    pool.timeout = parse_duration("--job-timeout", options.text("job-timeout"));
  if (options.given("memory")) pool.memory = parse_size("--memory", options.text("memory"));
  pool.isolate = !options.flag("no-isolation");
  for (const char* name : {"job-timeout", "memory"}) {
    if (!pool.isolate && options.given(name)) {
      throw UsageError(fmt::format("--{} needs processes: it does not go with --no-isolation", name));
    }
  }
  if (!pool.isolate && pool.devices.size() > 1) {
    throw UsageError("--devices deals out processes: it does not go with --no-isolation");
  }
  pool.job.checkpoint_seconds = checkpoint_seconds(options);
  if (options.given("tensorboard")) {
    const std::filesystem::path folder = std::filesystem::absolute(options.text("tensorboard"));
    if (options.text("tensorboard").empty() || (exists(folder) && !is_directory(folder))) {
      throw UsageError("--tensorboard takes a folder, which is made where it is missing; found '" +
                       options.text("tensorboard") + "'");
    }
    pool.job.tensorboard = folder.lexically_normal().string();
  }
  pool.job.verbose = options.text("log-level") == "debug";
  pool.command = [args](const Job& job) { return repeating(args, job); };
  return pool;
}

void set_log_level(const Options& options) {
  const std::string level = options.text("log-level");
  if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
    throw UsageError("--log-level: there is no level '" + level + "'" + did_you_mean(level, kLevels) +
                     "; there are error, warning, info and debug");
  }
  const bool quiet = options.flag("quiet") && !options.given("log-level");
  spdlog::set_level(quiet ? spdlog::level::warn : spdlog::level::from_str(level));
}

}  // namespace w2s::app
