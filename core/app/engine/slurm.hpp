// w2s run --launcher slurm: the open jobs of a plan, handed to Slurm.
#pragma once

#include "plan/plan.hpp"
#include "run_options.hpp"

namespace w2s::app {

/// True for --launcher slurm. Throws UsageError for options that do not go with it.
bool on_cluster(const Options& options, const RunOptions& how);

/// Prints the scripts with --dry-run, else submits them and says what follows them. `args` of w2s run.
int submit_to_slurm(const Plan& plan, const Options& options, const RunOptions& how, const StoreOption& store,
                    const Args& args);

}  // namespace w2s::app
