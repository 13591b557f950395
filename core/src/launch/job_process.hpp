// JobProcess: a job in a process of its own, whose crash is nobody else's; or a group of jobs
// (job_group.hpp), of which those that have not ended share its end.
//
// It is the head of a process group, so that what it starts ends with it. Its output goes to the job's log;
// what it has to say to the pool comes through a pipe.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "launch/display.hpp"
#include "launch/job_runner.hpp"

namespace w2s {

/// How the jobs of a run are carried out.
struct JobSettings {
  int threads = 1;         // LibTorch threads of each
  bool verbose = false;    // progress goes to the job's log too
  bool fail_fast = false;  // a group ends with the first of its jobs that fails
  RunnerOptions runner;    // of each, but for its device and where it reports to
};

/// How a job ended.
struct JobEnd {
  bool interrupted = false;  // was asked to end before it was done
  bool died = false;         // without a word
  std::string error;         // "" where all is well
  std::string step;          // LastStep::text()
  std::int64_t fits = 0, computed = 0;
  std::string summary;
  // Of a group:
  bool postponed = false;  // to be run again when its fits are there
  bool alone = false;      // not for a group, to be run by itself; `computed` before that
  double seconds = 0;      // its own, with its share of the common training
};

/// The last training step that a job finished. On a page shared with the job's process: it outlives a crash.
class LastStep {
 public:
  LastStep();
  ~LastStep();
  LastStep(const LastStep&) = delete;
  LastStep& operator=(const LastStep&) = delete;

  void set(const Progress& progress);
  /// " (fit strong, step 2 of 32)": the step that was under way, or "" outside of training.
  std::string text() const;

 private:
  struct Page;
  Page* page_;
};

/// Runs it in this process; nothing is thrown.
JobEnd run_job(JobRunner& runner, const Job& job);
/// The same in every process of a team: it ends well in all of them or in none.
JobEnd run_job_together(Team& team, JobRunner& runner, const Job& job);

/// settings.runner on a device, which saves itself when it is asked to end (signals.hpp).
RunnerOptions runner_options(const JobSettings& settings, const std::string& device);

class JobProcess {
 public:
  /// Starts it with jobs of the plan. `first` begins the log of a single one anew.
  JobProcess(const Plan& plan, std::vector<std::size_t> jobs, const std::string& device,
             const Registry& registry, const Store& store, const JobSettings& settings, bool first);
  /// Kills what still runs.
  ~JobProcess();
  JobProcess(JobProcess&& other) noexcept;
  JobProcess& operator=(JobProcess&& other) noexcept;

  /// Jobs that have not ended.
  const std::vector<std::size_t>& jobs() const { return jobs_; }
  bool is_group() const { return group_; }
  const std::string& device() const { return device_; }
  const RunningJob& state() const { return state_; }
  double seconds() const;
  /// Since it began what it is at: of a group a job, or the common training.
  double turn_seconds() const;
  pid_t group() const { return pid_; }

  int descriptor() const { return pipe_.get(); }
  /// Reads what it has sent, without waiting. True where it has closed its end.
  bool read();
  /// Jobs that have ended since the last call.
  std::vector<std::pair<std::size_t, JobEnd>> take_ended() { return std::exchange(ended_, {}); }
  /// It has ended, though something that it started may still hold the pipe.
  bool exited() const;
  /// Waits for its end, which is that of the jobs that had not ended: it died without a word, the error says
  /// how.
  JobEnd wait();

  void ask_to_end();
  void kill();

 private:
  std::vector<std::size_t> jobs_;
  bool group_ = false;
  std::string device_;
  pid_t pid_ = -1;
  Descriptor pipe_;
  std::unique_ptr<LastStep> last_step_;
  std::string buffer_;
  std::vector<std::pair<std::size_t, JobEnd>> ended_;
  RunningJob state_;
  std::chrono::steady_clock::time_point started_, turned_;
};

std::string log_path(const std::string& store_root, const Job& job);

}  // namespace w2s
