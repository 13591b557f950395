// Pool: runs the open jobs of a plan, each in a process of its own or, where they fit probes, in groups
// (job_group.hpp), as many at once as asked, dealt to the devices. A group that dies is run job by job. A job
// that crashes, hangs or eats the memory fails alone; jobs that need it are skipped, all others go on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launch/display.hpp"
#include "launch/job_process.hpp"
#include "plan/plan.hpp"

namespace w2s {

struct PoolOptions {
  int jobs = 1;                                // processes at once
  std::vector<std::string> devices = {"cpu"};  // each job goes to the one with the fewest
  bool isolate = true;                         // false: run in this process, for debuggers
  int group = 128;                             // jobs that fit probes in one process, at most; 1: each alone
  int retries = 0;                             // of a job that failed
  bool fail_fast = false;                      // end at the first job that failed
  double timeout = 0;                          // seconds that a job may take; 0: any
  std::int64_t memory = 0;                     // bytes that a job may allocate; 0: any
  JobSettings job;
  std::function<std::string(const Job&)> command;  // what repeats this job alone
  Team* team = nullptr;  // processes that carry out every job together, all in this way; without isolation
};

struct Failure {
  std::size_t job = 0;                 // its place in the plan
  std::string title, reason, log;      // log: path of the job's log file
  std::vector<std::string> log_lines;  // its last ones, but for the reason
  std::string command;                 // repeats it
  int attempts = 1;
};

struct Summary {
  std::size_t found = 0, ran = 0, skipped = 0;
  std::int64_t fits_computed = 0, fits_found = 0;
  std::vector<Failure> failures;  // as they came
  bool interrupted = false;
};

/// Marks jobs done in the plan as they end. Throws Error only where the store itself fails.
Summary run_plan(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options,
                 Display& display);

}  // namespace w2s
