// JobRunner: carries out one job of a plan in this process and stores its record.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "lab/local_lab.hpp"
#include "launch/read_ahead.hpp"
#include "plan/plan.hpp"
#include "results/record.hpp"

namespace w2s {

struct RunnerOptions {
  at::Device device{at::kCPU};
  std::function<void(const Progress&)> progress;
  std::function<void(const std::string&)> log;
  CheckpointSchedule checkpoints;
  std::string tensorboard;           // a folder for event files, or ""
  const TasksRead* tasks = nullptr;  // data that was read before
  ProbeQueue* probes = nullptr;      // of a group of jobs (job_group.hpp)
  Team* team = nullptr;              // processes that carry out every job together; the store is in step
};

struct JobOutcome {
  std::int64_t fits = 0;      // asked for, pretrainings among them
  std::int64_t computed = 0;  // of these, not found in the store
  std::string summary;        // "accuracy 0.643"
  double queued_seconds = 0;  // of fits that a queue computed
};

class JobRunner {
 public:
  JobRunner(const Plan& plan, const Registry& registry, Store& store, RunnerOptions options);
  ~JobRunner();
  /// Throws Error where the job fails, and Interrupted; nothing that it computed before is lost. Where
  /// another process is at the same job, its record is waited for. In a group: Postponed and LeavesGroup.
  JobOutcome run(const Job& job);

 private:
  struct Loaded;
  struct Work;
  Loaded& loaded(const Job& job);
  LabSetup lab_setup(const Job& job, Loaded& task, const std::function<void()>& look);
  JobOutcome compute(const Job& job);
  void fit(const Job& job, Loaded& task, Work& work);
  void predict(const Loaded& task, std::int64_t seed, Work& work);
  void describe(const Job& job, const Loaded& task, Work& work);
  void keep(const Job& job, const Loaded& task, const Work& work);

  const Plan& plan_;
  const Registry& registry_;
  Store& store_;
  RunnerOptions options_;
  std::map<std::string, std::unique_ptr<Loaded>> loaded_;  // by protocol
  std::shared_ptr<LabCache> cache_ = std::make_shared<LabCache>();
};

}  // namespace w2s
