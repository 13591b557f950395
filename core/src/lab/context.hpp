// What the rooms of one lab share: the job's data and settings, the store, and the account of what was used.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "data/split.hpp"
#include "engine/trainer.hpp"
#include "lab/recipe.hpp"
#include "lab/stored_fit.hpp"
#include "plugins/registry.hpp"
#include "status/progress.hpp"
#include "store/store.hpp"

namespace w2s {

class ProbeQueue;

/// What labs over the same store and data share, so that the next one need not read or compute it again.
struct LabCache {
  std::map<std::string, Tensor> features;       // by key of their object
  std::map<std::string, Tensor> probabilities;  // by digest of fit and inputs
  std::int64_t bytes = 0;                       // of the probabilities
};

struct LabSetup {
  const Experiment* experiment = nullptr;
  const Registry* registry = nullptr;
  Store* store = nullptr;
  const TaskData* data = nullptr;
  const Splits* splits = nullptr;
  std::uint64_t seed = 0;
  std::string method;  // whose student is being fitted; "" for none
  at::Device device{at::kCPU};
  std::function<void(const Progress&)> progress;
  std::function<void(const std::string&)> log;
  CheckpointSchedule checkpoints;
  std::string tensorboard;       // a folder for this job's event files, or ""
  Team* team = nullptr;          // processes that do all of this together, over a store that is in step
  ProbeQueue* probes = nullptr;  // of a group of jobs: fits of probes go there, all others throw LeavesGroup
  std::shared_ptr<LabCache> cache;  // may be shared by labs, one after the other; null: one of its own
};

/// Not for several threads at once.
class LabContext {
 public:
  explicit LabContext(LabSetup setup);
  LabContext(const LabContext&) = delete;
  LabContext& operator=(const LabContext&) = delete;

  const LabSetup setup;
  const Settings settings;
  StoredFits fits;

  const Experiment& experiment() const { return *setup.experiment; }
  const Registry& registry() const { return *setup.registry; }
  Store& store() const { return *setup.store; }
  LabCache& cache() const { return *setup.cache; }
  TaskKind kind() const { return setup.data->kind; }
  std::int64_t classes() const { return setup.data->classes; }
  bool generation() const { return kind() == TaskKind::generation; }
  std::int64_t parts() const { return kind() == TaskKind::preference ? 2 : 1; }  // inputs of an example

  /// A recipe of this lab's own code, for inputs that are texts or not, on its kind of device: which of
  /// several equal devices did the work does not matter.
  Recipe recipe(const std::string& kind, bool texts) const;
  std::string device_kind() const { return setup.device.is_cpu() ? "cpu" : "cuda"; }

  void log(const std::string& line) const;
  /// Tells the job's watchers what it is at.
  void tell(const std::string& what) const;
  /// What a training loop reports to: `log` gets a line of JSON for each report that belongs in one, watchers
  /// and event files theirs. `log` must outlive the function.
  std::function<void(const Progress&)> observer(const std::string& what, const std::string& key,
                                                std::string& log) const;
  CheckpointSchedule schedule() const;

  /// A contiguous part of the examples: that of this process of the team.
  Examples own_part(const Examples& examples) const;

  /// Runs `compute` unless the object is there, notes the fit as used, and says whether it was computed here.
  bool once(const std::string& key, const std::string& waiting_for, const std::function<void()>& compute);
  /// Counts a fit once, however often the job asks for it: true the first time.
  bool note(const std::string& key, bool computed);
  void note_queued(double seconds) { queued_seconds_ += seconds; }
  const std::vector<std::string>& used() const { return used_; }
  std::int64_t computed() const { return computed_; }
  double queued_seconds() const { return queued_seconds_; }

 private:
  std::vector<std::string> used_;
  std::int64_t computed_ = 0;
  double queued_seconds_ = 0;
};

/// Adds a line of JSON to `log` for each report that belongs in one, and writes event files below
/// `tensorboard` unless that is "". `log` must outlive the function.
std::function<void(const Progress&)> log_writer(const std::string& tensorboard, const std::string& what,
                                                const std::string& key, std::string& log);
void write_log(const ObjectWriter& object, const std::string& log);

/// The peak of this process's memory until now.
std::int64_t peak_bytes();

/// f(), where models and objectives run: exceptions that are not ours are theirs, and name them.
template <class F>
decltype(auto) calling(const PluginInfo& plugin, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Error&) {
    throw;
  } catch (...) {
    rethrow_from_plugin(plugin.origin());
  }
}

}  // namespace w2s
