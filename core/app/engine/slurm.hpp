// w2s run --launcher slurm: the open jobs of a plan, handed to Slurm.
#pragma once

#include "../options.hpp"
#include "plan/plan.hpp"

namespace w2s::app {

/// True for --launcher slurm. Throws UsageError for a launcher that there is not, and for options that do not
/// go with it.
bool on_cluster(const Options& options);

/// Prints the scripts with --dry-run, else submits them and says what follows them. `args` of w2s run.
int submit_to_slurm(const Plan& plan, const Options& options, const Args& args);

}  // namespace w2s::app
