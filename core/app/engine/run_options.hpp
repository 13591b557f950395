// The options of w2s run that say how the jobs are carried out. None of them changes a result.
#pragma once

#include "../options.hpp"
#include "launch/pool.hpp"

namespace w2s::app {

void add_run_options(Options& options);
/// Throws UsageError. `args`: the command line, to be told how to repeat one job.
PoolOptions pool_options(const Options& options, const Args& args);
/// --log-level and --quiet, for messages of this process.
void set_log_level(const Options& options);

}  // namespace w2s::app
