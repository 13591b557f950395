#include "lab/probe_queue.hpp"

#include <algorithm>

#include <w2s/safetensors.hpp>

#include "lab/local_lab_parts.hpp"

namespace w2s {

void store_probe(Store& store, ProbeFit& fit) {
  const Probe& probe = fit.probe;
  if (probe.error) std::rethrow_exception(probe.error);
  const TrainResult& result = probe.result;
  ObjectWriter object = store.begin(fit.key, "fit");
  write_log(object, fit.log);
  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : probe.head->parameters().items()) tensors[item.name] = item.tensor;
  save_safetensors(object.folder() + "/model.safetensors", tensors);
  if (!result.oracle.empty()) {
    for (const auto& [name, tensor] : result.oracle) tensors[name] = tensor;
    save_safetensors(object.folder() + "/oracle.safetensors", tensors);
  }
  const double before = probe.checkpoints ? probe.checkpoints->seconds_before() : 0;
  object.manifest().update(fit.manifest);
  object.manifest().update({{"oracle", !result.oracle.empty()},
                            {"steps", result.steps},
                            {"kept_step", result.kept_step},
                            {"oracle_step", result.oracle_step},
                            {"seconds", before + probe.seconds},
                            {"peak_bytes", peak_bytes()}});
  object.commit();
  store.drop_checkpoint(fit.key);
}

void ProbeQueue::add(std::unique_ptr<ProbeFit> fit) { waiting_.emplace(fit->key, std::move(fit)); }

void ProbeQueue::finish(ProbeFit& fit) {
  try {
    store_probe(store_, fit);
    unclaimed_[fit.key] = fit.probe.seconds;
  } catch (...) {
    failures_[fit.key] = std::current_exception();
  }
}

void ProbeQueue::train() {
  const auto wanted = std::exchange(waiting_, {});
  std::map<std::string, FileLock> locks;
  std::map<const Probe*, ProbeFit*> owners;
  std::vector<Probe*> probes;
  for (const auto& [key, fit] : wanted) {
    auto lock = store_.try_lock(key);
    if (!lock || store_.has(key)) continue;
    locks.emplace(key, std::move(*lock));
    owners[&fit->probe] = fit.get();
    probes.push_back(&fit->probe);
  }
  if (!probes.empty()) {
    return train_probes(probes, progress_, [&](Probe& probe) {
      ProbeFit& fit = *owners.at(&probe);
      finish(fit);
      locks.erase(fit.key);
    });
  }
  for (const auto& [key, fit] : wanted) {
    if (store_.has(key)) continue;
    store_.once(key,
                [&, &fit = fit] { train_probes({&fit->probe}, progress_, [&](Probe&) { finish(*fit); }); });
    return;
  }
}

void ProbeQueue::rethrow_failure(const std::string& key) const {
  const auto failed = failures_.find(key);
  if (failed != failures_.end()) std::rethrow_exception(failed->second);
}

bool ProbeQueue::claim(const std::string& key, double& seconds) {
  const auto computed = unclaimed_.find(key);
  if (computed == unclaimed_.end()) return false;
  seconds += computed->second;
  unclaimed_.erase(computed);
  return true;
}

}  // namespace w2s
