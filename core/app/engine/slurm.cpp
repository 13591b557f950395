#include "slurm.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "launch/slurm.hpp"
#include "status/submission.hpp"

namespace w2s::app {
namespace {

namespace fs = std::filesystem;

// The words of this command line that every job of it has too.
std::vector<std::string> shared_words(const Args& args) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--launcher") {
      ++i;
    } else if (args[i] != "--dry-run" && !args[i].starts_with("--launcher=")) {
      words.push_back(args[i]);
    }
  }
  return words;
}

void refuse_where_queued(const std::string& folder) {
  const auto states = queue_states(load_submission(folder));
  if (states.empty()) return;
  std::string ids;
  for (const auto& [id, tasks] : states) ids += (ids.empty() ? "" : " ") + id;
  throw UsageError(
      "this experiment is in Slurm's queue already: follow it with w2s status, or end it with scancel " +
      ids);
}

}  // namespace

bool on_cluster(const Options& options, const RunOptions& how) {
  if (how.launcher == Launcher::local) {
    if (how.dry_run) throw UsageError("--dry-run is for --launcher slurm; w2s plan shows local jobs");
    return false;
  }
  const std::vector<std::pair<const char*, const char*>> replaced = {
      {"jobs", "at_once"}, {"threads", "cpus"}, {"job-timeout", "time"}, {"memory", "memory"}};
  for (const auto& [option, key] : replaced) {
    if (options.given(option))
      throw UsageError(
          fmt::format("--{} does not go with --launcher slurm: set {} in [launcher]", option, key));
  }
  return true;
}

int submit_to_slurm(const Plan& plan, const Options& options, const RunOptions& how, const StoreOption& store,
                    const Args& args) {
  const Experiment& experiment = plan.experiments.at(0);
  const std::string runs = fs::absolute(store.runs).lexically_normal().string();
  SlurmSetup setup;
  setup.name = experiment.name;
  setup.folder = slurm_folder(runs, experiment.name);
  setup.directory = fs::current_path().string();
  setup.command = {fs::read_symlink("/proc/self/exe").string(), "run"};
  const std::vector<std::string> words = shared_words(args);
  setup.command.insert(setup.command.end(), words.begin(), words.end());
  if (!options.given("runs")) setup.command.insert(setup.command.end(), {"--runs", runs});

  const std::vector<SlurmArray> arrays = slurm_arrays(plan, experiment.launcher, setup);
  if (arrays.empty()) {
    fmt::print("nothing to submit: all {} jobs are done\n", plan.jobs.size());
    return 0;
  }
  if (how.dry_run) {
    for (const SlurmArray& array : arrays) {
      fmt::print("# {}/level-{}.sh, {} job{}{}\n{}\n", setup.folder, array.level, array.keys.size(),
                 array.keys.size() == 1 ? "" : "s",
                 array.level > 1 ? ", after level " + std::to_string(array.level - 1) : "", array.script);
    }
    return 0;
  }
  refuse_where_queued(setup.folder);
  const std::vector<std::string> ids = submit(arrays, experiment.launcher, setup);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    fmt::print("level {}: {} job{}, Slurm array {}\n", arrays[i].level, arrays[i].keys.size(),
               arrays[i].keys.size() == 1 ? "" : "s", ids[i]);
  }
  fmt::print("w2s status {} follows them; scripts and logs are in {}\n", experiment.name, setup.folder);
  return 0;
}

}  // namespace w2s::app
