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
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/probe_batch.hpp"
#include "plugins/guard.hpp"
#include "store/file_lock.hpp"
#include "store/store.hpp"

namespace w2s {

/// The job's fit is in the queue: to be run again after ProbeQueue::train.
struct Postponed : NotAnError {};
/// The job asks for a fit that is no probe: to be run by itself.
struct LeavesGroup : NotAnError {};

/// A probe with all that its object in the store holds.
struct ProbeFit {
  std::string key;
  Probe probe;
  nlohmann::json manifest;  // but for what the training tells
  std::string log;          // lines of JSON
};

/// Writes a probe that was trained; throws what ended it where it failed.
void store_probe(Store& store, ProbeFit& fit);

class ProbeQueue {
 public:
  ProbeQueue(Store& store, std::function<void(std::size_t, const StepReport&)> progress)
      : store_(store), progress_(std::move(progress)) {}

  bool empty() const { return waiting_.empty(); }
  bool holds(const std::string& key) const { return waiting_.count(key) > 0; }
  void add(std::unique_ptr<ProbeFit> fit);
  /// Trains and stores all that wait, but for fits that another process has under way. Where all of them are,
  /// waits for one. A fit that fails is kept in mind. Throws Interrupted.
  void train();

  /// Throws what ended the fit with this key, where it failed.
  void rethrow_failure(const std::string& key) const;
  /// Whether this queue computed the fit; true only for the first who asks. Then `seconds` grows by its time.
  bool claim(const std::string& key, double& seconds);

 private:
  void finish(ProbeFit& fit);

  Store& store_;
  std::function<void(std::size_t, const StepReport&)> progress_;
  std::map<std::string, std::unique_ptr<ProbeFit>> waiting_;
  std::map<std::string, std::exception_ptr> failures_;
  std::map<std::string, double> unclaimed_;  // seconds of fits that were computed here
};

}  // namespace w2s
