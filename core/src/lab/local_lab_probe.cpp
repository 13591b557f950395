// Fits that train nothing but a head: alone, or in a queue with those of other jobs.
#include "lab/local_lab_parts.hpp"
#include "lab/text_examples.hpp"

namespace w2s {

Student LocalLab::fit_probe(const std::string& key, const Supervision& supervision, const FitSpec& spec,
                            const Supervision* validation) {
  Store& store = *setup_.store;
  if (ProbeQueue* queue = setup_.probes) {
    queue->rethrow_failure(key);
    if (!store.has(key)) {
      if (!queue->holds(key)) queue->add(probe_fit(key, supervision, spec, validation));
      postponed_ = true;
      throw Postponed();
    }
    const ProbeQueue::Computed* computed = queue->claim(key);
    if (computed != nullptr) {
      queued_seconds_ += computed->seconds;
      for (const std::string& line : computed->notes) log(line);
    }
    note(key, computed != nullptr);
    return Student(key);
  }
  const auto compute = [&] {
    const std::unique_ptr<ProbeFit> fit = probe_fit(key, supervision, spec, validation);
    const auto progress = [&](std::size_t, const StepReport& report) {
      if (setup_.progress) setup_.progress({"fit " + spec.model, report});
    };
    train_probes({&fit->probe}, progress, [&](Probe&) { store_probe(store, *fit); });
  };
  const bool computed = store.once(key, compute, [&] {
    if (setup_.progress) setup_.progress({"waiting for a fit of " + spec.model, {}});
  });
  note(key, computed);
  return Student(key);
}

std::unique_ptr<ProbeFit> LocalLab::probe_fit(const std::string& key, const Supervision& supervision,
                                              const FitSpec& spec, const Supervision* validation) {
  auto fit = std::make_unique<ProbeFit>();
  fit->key = key;
  Probe& probe = fit->probe;
  probe.kind = setup_.data->kind;
  probe.labels = supervision;
  if (validation != nullptr) probe.validation = *validation;
  probe.train = spec.train;
  probe.seed = spec.seed;
  probe.loss = setup_.registry->make_loss(spec.loss);
  probe.loss->check({setup_.data->kind, setup_.data->classes});
  probe.loss_name = spec.loss.type;
  probe.loss_code = spec_digest(*setup_.registry, PluginKind::loss, spec.loss);

  Backbone backbone = start_of(spec, 0);
  backbone.precision = precision_of(spec.train);
  const Examples all = !spec.draft.empty() ? text_inputs(supervision, spec, validation)
                       : validation        ? supervision.examples.concat(validation->examples)
                                           : supervision.examples;
  FeatureRows found = kept_features(backbone, all);
  probe.features = found.whole;
  probe.rows = std::move(found.rows);

  std::optional<SafeTensors> start;
  if (!spec.start.empty())
    start = SafeTensors::open(setup_.store->path(spec.start.members()[0]) + "/model.safetensors");
  probe.head = initial_head(spec, probe.features.size(2), start ? &*start : nullptr, plugin_of(backbone),
                            [&]() -> IModel& { return model_of(backbone); });
  if (spec.train.standardize) {
    const std::vector<std::int64_t> seen(probe.rows.begin(), probe.rows.begin() + supervision.size());
    probe.head->standardize(probe.features.index_select(0, at::tensor(seen, at::kLong)).flatten(0, 1));
  }
  for (const Parameters::Item& item : probe.head->parameters().items()) {
    if (start && start->has(item.name)) probe.head->parameters().assign(item.name, start->at(item.name));
  }
  fit->manifest = fit_manifest(spec, backbone, supervision, validation);
  probe.observe = log_writer(setup_.tensorboard, "fit " + spec.model, key, fit->log);
  CheckpointSchedule saving = schedule();
  if (setup_.probes != nullptr)
    saving.log = [&notes = fit->notes](const std::string& line) { notes.push_back(line); };
  probe.checkpoints = std::make_shared<Checkpoints>(setup_.store->checkpoint_path(key), saving);
  probe.checkpoints->carry("log", fit->log);
  return fit;
}

}  // namespace w2s
