// A group: jobs whose students are probes, carried out in one process, their probes trained together
// (lab/probe_queue.hpp). Records, fits and counts are those of the jobs one by one.
#pragma once

#include <functional>
#include <vector>

#include "launch/job_process.hpp"

namespace w2s {

struct GroupWatch {
  std::function<void(std::size_t job)> begins;                    // again for a job that is run again
  std::function<void()> trains;                                   // the probes of all
  std::function<void(std::size_t job, const JobEnd& end)> ended;  // once for each
};

/// Whether the job is likely to fit probes and nothing else: its model's settings train the head only.
bool fits_probes(const Plan& plan, const Job& job);

/// Runs the jobs at these positions of the plan, which need none of each other; with `fail_fast` until one
/// fails. Where they cannot be trained together (too little memory), those that are left end to be run alone.
/// Nothing is thrown.
void run_group(const Plan& plan, std::vector<std::size_t> jobs, const Registry& registry, Store& store,
               RunnerOptions options, bool fail_fast, const GroupWatch& watch);

}  // namespace w2s
