// Activity: which jobs runs have under way over a store, and which failed last. For `w2s status`; nothing
// else reads it. Free of LibTorch.
//
//   <root>/activity/HOST.PID.json   the jobs that a run has under way, written anew about once a second
//   <root>/activity/HOST.PID.lock   held with flock while that run lives
//   <root>/failures/KEY.json        why the job with this record key failed; removed when it succeeds
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "status/progress.hpp"
#include "store/file_lock.hpp"

namespace w2s {

struct ActiveJob {
  std::string key, title, device, log;  // device: "cpu", "cuda:1"
  Progress progress;
  std::int64_t since = 0;  // seconds since 1970
};

/// Its progress' fields stand beside its own.
void to_json(nlohmann::json& json, const ActiveJob& job);
void from_json(const nlohmann::json& json, ActiveJob& job);

struct FailedJob {
  std::string title, reason, log, command;  // command: repeats this job alone
  std::int64_t when = 0;
};

/// What one run, this process, has under way. Removed at its end; a killed run's is passed over by readers
/// and removed by the next run.
class Activity {
 public:
  explicit Activity(const std::string& root);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

  /// Failures to write are passed over: no run ends for its status's sake.
  void show(const std::vector<ActiveJob>& jobs) const;
  void failed(const std::string& key, const FailedJob& job) const;
  void succeeded(const std::string& key) const;

 private:
  std::string root_, path_;
  std::optional<FileLock> lock_;
};

/// A run that lives, with its jobs.
struct ActiveRun {
  std::string host;
  std::int64_t pid = 0;
  std::vector<ActiveJob> jobs;
};
/// Of all runs that live; writes nothing.
std::vector<ActiveRun> active_runs(const std::string& root);
/// By record key.
std::map<std::string, FailedJob> failed_jobs(const std::string& root);

}  // namespace w2s
