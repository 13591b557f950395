#include "launch/job_group.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "config/settings.hpp"
#include "lab/probe_queue.hpp"

namespace w2s {

bool fits_probes(const Plan& plan, const Job& job) {
  if (job.kind == JobKind::pretrain) return false;
  const Experiment& experiment = plan.experiments[job.experiment];
  const std::string& model = job.kind == JobKind::floor ? job.weak : job.strong;
  const auto known = std::find_if(experiment.models.begin(), experiment.models.end(),
                                  [&](const ModelSpec& spec) { return spec.name == model; });
  if (known == experiment.models.end()) return false;  // labels from outside
  return Settings(experiment).student(model, job.method).params.trainable.is_head();
}

void run_group(const Plan& plan, std::vector<std::size_t> jobs, const Registry& registry, Store& store,
               RunnerOptions options, bool fail_fast, const GroupWatch& watch) {
  using Clock = std::chrono::steady_clock;
  ProbeQueue queue(store, [tell = options.progress](std::size_t probes, Progress report) {
    report.what = fmt::format("fit {} probes", probes);
    if (tell) tell(report);
  });
  options.probes = &queue;
  JobRunner runner(plan, registry, store, options);
  const auto asked_to_end = [&] {
    return options.checkpoints.asked_to_end && options.checkpoints.asked_to_end();
  };
  std::optional<JobEnd> stopped;  // how jobs end that are not run to their end
  const auto interrupt = [&](const std::string& why) {
    stopped.emplace();
    stopped->interrupted = true;
    stopped->error = why;
  };
  while (!jobs.empty()) {
    std::vector<std::size_t> again;
    for (const std::size_t job : jobs) {
      if (!stopped && asked_to_end()) interrupt("interrupted");
      if (stopped) {
        watch.ended(job, *stopped);
        continue;
      }
      watch.begins(job);
      queue.serve(job);
      const auto begun = Clock::now();
      JobEnd end = run_job(runner, plan.jobs[job]);
      if (!end.error.empty()) end.step = queue.failed_at();
      end.seconds += std::chrono::duration<double>(Clock::now() - begun).count();
      if (end.postponed) {
        again.push_back(job);
      } else {
        watch.ended(job, end);
        if (fail_fast && !stopped && !end.error.empty()) interrupt("ended with another job, which failed");
      }
    }
    jobs = std::move(again);
    if (jobs.empty() || stopped) continue;
    watch.trains();
    try {
      queue.train();
    } catch (const Interrupted& interrupted) {
      interrupt(interrupted.what());
    } catch (const std::exception&) {
      stopped.emplace();
      stopped->alone = true;
    }
  }
}

}  // namespace w2s
