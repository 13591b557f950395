// ProbeQueue: fits of probes that wait until the jobs of a group have asked for theirs, and are then trained
// together.
//
// Each job of a group runs as it would alone until it asks for a probe that is not in the store. Its lab puts
// the fit into the queue and throws Postponed, which ends the job. When all jobs of the group have ended so,
// train() trains and stores what has gathered, and the jobs run again from their start; what they asked for
// they now find. A job that asks for several fits, one after the other, is run so many times.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/probe_batch.hpp"
#include "lab/recipe.hpp"
#include "lab/stored_fit.hpp"
#include "plugins/guard.hpp"
#include "store/file_lock.hpp"
#include "store/store.hpp"

namespace w2s {

/// The job's fit is in the queue: to be run again after ProbeQueue::train.
struct Postponed : NotAnError {};
/// The job asks for a fit that is no probe: to be run by itself.
struct LeavesGroup : NotAnError {
  std::int64_t computed = 0;  // fits that were computed for it before
};

/// A probe with all that its object in the store holds.
struct ProbeFit {
  std::string key;
  Probe probe;
  Recipe recipe{"fit", {}};
  StoredFit described;             // but for what the training tells
  std::string log;                 // lines of JSON
  std::vector<std::string> notes;  // for the log of the job that finds it
};

/// Writes a probe that was trained; throws what ended it where it failed.
void store_probe(Store& store, ProbeFit& fit);

class ProbeQueue {
 public:
  ProbeQueue(Store& store, std::function<void(std::size_t, const Progress&)> progress)
      : store_(store), progress_(std::move(progress)) {}

  /// From now on this job asks.
  void serve(std::size_t job);
  bool holds(const std::string& key) const { return waiting_.count(key) > 0; }
  void add(std::unique_ptr<ProbeFit> fit);
  /// Trains and stores all that wait, but for fits that another process has under way. Where all of them are,
  /// waits for one. A fit that fails is kept in mind. Throws Interrupted.
  void train();

  /// Throws what ended the fit with this key, where it failed.
  void rethrow_failure(const std::string& key);
  /// " (fit strong, step 2 of 32)": the last step of the failed fit that the job has asked for, or "".
  const std::string& failed_at() const { return failed_at_; }
  /// What one job alone is told of a fit that was computed here: the first that asks, whenever it asks.
  struct Computed {
    double seconds = 0;
    std::vector<std::string> notes;
    std::optional<std::size_t> job = {};
  };
  const Computed* claim(const std::string& key);

 private:
  void finish(ProbeFit& fit);

  Store& store_;
  std::function<void(std::size_t, const Progress&)> progress_;
  std::map<std::string, std::unique_ptr<ProbeFit>> waiting_;
  struct Failed {
    std::exception_ptr error;
    std::string at;
  };
  std::map<std::string, Failed> failures_;
  std::map<std::string, Computed> computed_;
  std::size_t job_ = 0;  // that asks
  std::string failed_at_;
};

}  // namespace w2s
