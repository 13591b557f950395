// Slurm: a plan as job arrays, one for each level of what jobs need of each other.
//
// An array's task runs one job through the same `w2s run --job KEY` as a local sweep, over the same store:
// what was done before is found, what was interrupted goes on from its checkpoint. Before the time limit
// Slurm sends SIGUSR1; the job saves itself and asks to be queued again. A preempted or requeued job is
// started again by Slurm itself.
#pragma once

#include <string>
#include <vector>

#include "config/launcher.hpp"
#include "plan/plan.hpp"

namespace w2s {

/// The open jobs of a plan that need only jobs of earlier levels.
struct SlurmArray {
  std::size_t level = 0;          // from 1
  std::vector<std::string> keys;  // of the records, a task each
  std::string script;             // text of the batch script
};

struct SlurmSetup {
  std::string name;                  // of the experiment: in job names
  std::string folder;                // absolute; for scripts and logs
  std::string directory;             // where the command runs
  std::vector<std::string> command;  // w2s run … without --job, --launcher and --dry-run
};

/// Seconds before the time limit at which a job is asked to save itself.
inline constexpr int kSlurmWarning = 60;

std::vector<SlurmArray> slurm_arrays(const Plan& plan, const LauncherParams& launcher,
                                     const SlurmSetup& setup);

/// Writes the scripts and submits them, each depending on the one before. Returns the ids, and notes them in
/// <folder>/submission.json. Throws Error with sbatch's own words where it refuses; arrays that were
/// submitted before are cancelled then.
std::vector<std::string> submit(const std::vector<SlurmArray>& arrays, const LauncherParams& launcher,
                                const SlurmSetup& setup);

/// <runs>/slurm/NAME, where an experiment's scripts and logs go.
std::string slurm_folder(const std::string& runs, const std::string& experiment);

}  // namespace w2s
