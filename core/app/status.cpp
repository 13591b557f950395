// w2s status: what experiments have done, what runs have under way, what failed.
#include <ctime>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/amounts.hpp"
#include "commands.hpp"
#include "results/ledger.hpp"
#include "status/activity.hpp"
#include "status/submission.hpp"
#include "values/toml.hpp"

namespace w2s::app {
namespace {

struct StatusOptions {
  bool json = false;
};
void describe(OptionSchema<StatusOptions>& s) {
  s.option("json", &StatusOptions::json, "", "the same as JSON");
}

struct ExperimentStatus {
  std::string name;
  std::size_t jobs = 0, done = 0, running = 0, failed = 0;
  Submission submission;                                    // to Slurm; empty where it was never submitted
  std::map<std::string, std::map<std::string, int>> queue;  // its arrays' tasks by Slurm's state
  std::size_t open() const { return jobs - done - running - failed; }
};

struct Status {
  std::vector<ExperimentStatus> experiments;
  std::vector<ActiveJob> running;
  std::map<std::string, FailedJob> failed;  // by record key
};

std::string name_in_file(const std::string& path) {
  const Value file = parse_toml_file(path);
  const Value* name = file.as_table().find("name");
  if (name == nullptr || !name->is_string())
    throw UsageError(path + ": name: expected the experiment's name");
  return name->as_string();
}

// Names as they are, files by the name of the experiment that they describe.
std::vector<std::string> experiment_names(const Store& store, const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (const std::string& item : given) {
    const bool file = item.ends_with(".toml") || std::filesystem::is_regular_file(item);
    names.push_back(file ? name_in_file(item) : item);
  }
  return given.empty() ? ledger_names(store.root()) : names;
}

Status read_status(const Store& store, const std::vector<std::string>& given) {
  Status status;
  std::set<std::string> records, wanted;
  for (const ObjectInfo& object : store.list("record")) records.insert(object.key);
  std::map<std::string, ActiveJob> running;
  for (const ActiveRun& run : active_runs(store.root())) {
    for (const ActiveJob& job : run.jobs) running[job.key] = job;
  }
  const auto failed = failed_jobs(store.root());
  for (const std::string& name : experiment_names(store, given)) {
    ExperimentStatus experiment;
    experiment.name = name;
    std::set<std::string> keys;  // a record may stand for several rows
    for (const LedgerEntry& entry : load_ledger(store.root(), name)) keys.insert(entry.key);
    for (const std::string& key : keys) {
      ++experiment.jobs;
      if (records.count(key) > 0) {
        ++experiment.done;
      } else if (running.count(key) > 0) {
        ++experiment.running;
      } else if (failed.count(key) > 0) {
        ++experiment.failed;
      }
    }
    wanted.insert(keys.begin(), keys.end());
    experiment.submission = load_submission(store.root() + "/slurm/" + name);
    experiment.queue = queue_states(experiment.submission);
    status.experiments.push_back(experiment);
  }
  for (const auto& [key, job] : running) {
    if (given.empty() || wanted.count(key) > 0 || job.title.starts_with("pretrain "))
      status.running.push_back(job);
  }
  for (const auto& [key, job] : failed) {
    if (records.count(key) == 0 && running.count(key) == 0 && (given.empty() || wanted.count(key) > 0)) {
      status.failed[key] = job;
    }
  }
  return status;
}

nlohmann::json arrays_of(const ExperimentStatus& experiment) {
  nlohmann::json arrays = nlohmann::json::array();
  for (const SubmittedArray& array : experiment.submission.arrays) {
    const auto queued = experiment.queue.find(array.id);
    arrays.push_back({{"id", array.id}, {"level", array.level}, {"jobs", array.keys.size()}});
    arrays.back()["queue"] =
        queued == experiment.queue.end() ? nlohmann::json::object() : nlohmann::json(queued->second);
  }
  return arrays;
}

nlohmann::json to_json(const Status& status) {
  nlohmann::json json = {{"experiments", nlohmann::json::array()},
                         {"running", status.running},
                         {"failed", nlohmann::json::array()}};
  for (const ExperimentStatus& experiment : status.experiments) {
    json["experiments"].push_back({{"name", experiment.name},
                                   {"jobs", experiment.jobs},
                                   {"done", experiment.done},
                                   {"running", experiment.running},
                                   {"failed", experiment.failed},
                                   {"open", experiment.open()},
                                   {"slurm", arrays_of(experiment)}});
  }
  for (const auto& [key, job] : status.failed) {
    json["failed"].push_back({{"key", key},
                              {"title", job.title},
                              {"reason", job.reason},
                              {"log", job.log},
                              {"command", job.command},
                              {"when", job.when}});
  }
  return json;
}

void print_job(const ActiveJob& job) {
  fmt::print("  running  {}", job.title);
  if (const std::string progress = job.progress.text(); !progress.empty()) fmt::print(" · {}", progress);
  fmt::print(" · {} · for {}\n", job.device,
             duration_text(static_cast<double>(std::time(nullptr) - job.since)));
}

// "  Slurm array 17 (level 2, 8 jobs): 6 PENDING, 2 RUNNING"; nothing of arrays that have left the queue.
void print_queue(const ExperimentStatus& experiment) {
  for (const SubmittedArray& array : experiment.submission.arrays) {
    const auto queued = experiment.queue.find(array.id);
    if (queued == experiment.queue.end()) continue;
    std::string states;
    for (const auto& [state, tasks] : queued->second)
      states += fmt::format("{}{} {}", states.empty() ? "" : ", ", tasks, state);
    fmt::print("  Slurm array {} (level {}, {} jobs): {}\n", array.id, array.level, array.keys.size(),
               states);
  }
}

void print_status(const Status& status) {
  if (status.experiments.empty()) fmt::print("no experiment was run here yet\n");
  for (const ExperimentStatus& experiment : status.experiments) {
    fmt::print("{}: {} runs: {} done, {} running, {} failed, {} open\n", experiment.name, experiment.jobs,
               experiment.done, experiment.running, experiment.failed, experiment.open());
    print_queue(experiment);
  }
  for (const ActiveJob& job : status.running) print_job(job);
  for (const auto& [key, job] : status.failed) {
    fmt::print("  failed   {}: {}\n           log: {}\n", job.title, job.reason, job.log);
    if (!job.command.empty()) fmt::print("           again: {}\n", job.command);
  }
}

}  // namespace

int status(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  StoreOption place;
  StatusOptions how;
  options.take(place);
  options.take(how);
  if (!options.parse(args)) return 0;
  const Store store = Store::read_only(place.runs);
  const Status status = read_status(store, options.arguments("experiment"));
  if (how.json) {
    fmt::print("{}\n", to_json(status).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    print_status(status);
  }
  return 0;
}

}  // namespace w2s::app
