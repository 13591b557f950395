// Pool: runs the open jobs of a plan, each in a process of its own, as many at
// once as asked. A job that crashes fails alone; jobs that need it are skipped,
// all others go on.
#pragma once

#include <string>
#include <vector>

#include "launch/display.hpp"
#include "plan/plan.hpp"

namespace w2s {

struct PoolOptions {
  int jobs = 1;         // processes at once
  int threads = 1;      // LibTorch threads of each
  bool isolate = true;  // false: run in this process, for debuggers
  std::string device = "cpu";
};

struct Failure {
  std::string title, reason, log;  // log: path of the job's log file
};

struct Summary {
  std::size_t found = 0, ran = 0, skipped = 0;
  std::int64_t fits_computed = 0, fits_found = 0;
  std::vector<Failure> failures;
  bool interrupted = false;
};

/// Marks jobs done in the plan as they end. Throws Error only where the store itself fails.
Summary run_plan(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options,
                 Display& display);

}  // namespace w2s
