#include "lab/probe_queue.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>

#include "lab/context.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

std::string last_step(const ProbeFit& fit) {
  const Probe& probe = fit.probe;
  const std::int64_t steps = (probe.labels.size() + probe.train.batch - 1) / probe.train.batch;
  if (probe.result.steps == 0) return "";
  return fmt::format(" (fit {}, step {} of {})", fit.described.model, probe.result.steps,
                     steps * probe.train.epochs);
}

}  // namespace

void store_probe(Store& store, ProbeFit& fit) {
  const Probe& probe = fit.probe;
  if (probe.error) std::rethrow_exception(probe.error);
  const TrainResult& result = probe.result;
  ObjectWriter object = store.begin(fit.key, "fit");
  write_log(object, fit.log);
  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : probe.head->parameters().items()) tensors[item.name] = item.tensor;
  save_safetensors(object.folder() + "/" + kWeightsFile, tensors);
  if (!result.oracle.empty()) {
    for (const auto& [name, tensor] : result.oracle) tensors[name] = tensor;
    save_safetensors(object.folder() + "/" + kOracleFile, tensors);
  }
  StoredFit stored = fit.described;
  stored.oracle = !result.oracle.empty();
  stored.steps = result.steps;
  stored.kept_step = result.kept_step;
  stored.oracle_step = result.oracle_step;
  stored.seconds = (probe.checkpoints ? probe.checkpoints->seconds_before() : 0) + probe.seconds;
  stored.peak_bytes = peak_bytes();
  fit.recipe.write(object.manifest());
  stored.write(object.manifest());
  object.commit();
  store.drop_checkpoint(fit.key);
}

void ProbeQueue::add(std::unique_ptr<ProbeFit> fit) { waiting_.emplace(fit->key, std::move(fit)); }

void ProbeQueue::finish(ProbeFit& fit) {
  try {
    store_probe(store_, fit);
    computed_[fit.key] = {fit.probe.seconds, fit.notes};
  } catch (...) {
    failures_[fit.key] = {std::current_exception(), last_step(fit)};
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

void ProbeQueue::serve(std::size_t job) {
  job_ = job;
  failed_at_.clear();
}

void ProbeQueue::rethrow_failure(const std::string& key) {
  const auto failed = failures_.find(key);
  if (failed == failures_.end()) return;
  failed_at_ = failed->second.at;
  std::rethrow_exception(failed->second.error);
}

const ProbeQueue::Computed* ProbeQueue::claim(const std::string& key) {
  const auto found = computed_.find(key);
  if (found == computed_.end()) return nullptr;
  Computed& computed = found->second;
  if (!computed.job) computed.job = job_;
  return *computed.job == job_ ? &computed : nullptr;
}

}  // namespace w2s
