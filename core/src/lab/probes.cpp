#include "lab/probes.hpp"

namespace w2s {

Student Probes::fit(const WantedFit& wanted) {
  if (ProbeQueue* queue = context_.setup.probes) return from_queue(*queue, wanted);
  const std::string& key = wanted.keys[0];
  context_.once(key, "a fit of " + wanted.spec.model, [&] {
    const std::unique_ptr<ProbeFit> fit = prepare(wanted);
    const auto progress = [&](std::size_t, Progress report) {
      report.what = "fit " + wanted.spec.model;
      if (context_.setup.progress) context_.setup.progress(report);
    };
    train_probes({&fit->probe}, progress, [&](Probe&) { store_probe(context_.store(), *fit); });
  });
  return Student(key);
}

Student Probes::from_queue(ProbeQueue& queue, const WantedFit& wanted) {
  const std::string& key = wanted.keys[0];
  queue.rethrow_failure(key);
  if (!context_.store().has(key)) {
    if (!queue.holds(key)) queue.add(prepare(wanted));
    postponed_ = true;
    throw Postponed();
  }
  const ProbeQueue::Computed* computed = queue.claim(key);
  if (context_.note(key, computed != nullptr) && computed != nullptr) {
    context_.note_queued(computed->seconds);
    for (const std::string& line : computed->notes) context_.log(line);
  }
  return Student(key);
}

std::unique_ptr<ProbeFit> Probes::prepare(const WantedFit& wanted) {
  const FitSpec& spec = wanted.spec;
  const std::string& key = wanted.keys[0];
  auto fit = std::make_unique<ProbeFit>();
  fit->key = key;
  fit->recipe = wanted.recipe;
  Probe& probe = fit->probe;
  probe.kind = context_.kind();
  probe.labels = wanted.labels;
  probe.validation = wanted.validation;
  probe.train = spec.train;
  probe.seed = spec.seed;
  probe.loss = context_.registry().make_loss(spec.loss);
  probe.loss->check({context_.kind(), context_.classes()});
  probe.loss_name = spec.loss.type;
  probe.loss_code = plugin_recipe(context_.registry(), PluginKind::loss, spec.loss).key();

  Backbone backbone = backbones_.start_of(spec, 0);
  backbone.precision = precision_of(spec.train);
  FeatureRows found = backbones_.kept_rows(backbone, inputs_of(context_, drafts_, wanted));
  probe.features = found.whole;
  probe.rows = std::move(found.rows);
  const std::optional<SafeTensors> start = start_weights(context_, wanted, 0);
  probe.head =
      initial_head(context_, spec, probe.features.size(2), start ? &*start : nullptr,
                   backbones_.plugin_of(backbone), [&]() -> IModel& { return backbones_.shared(backbone); });
  if (spec.train.standardize) {
    const std::vector<std::int64_t> seen(probe.rows.begin(), probe.rows.begin() + wanted.labels.size());
    probe.head->standardize(probe.features.index_select(0, at::tensor(seen, at::kLong)).flatten(0, 1));
  }
  take_stored_weights(*probe.head, start ? &*start : nullptr);

  fit->described = described(context_, wanted, backbone);
  probe.observe = log_writer(context_.setup.tensorboard, "fit " + spec.model, key, fit->log);
  CheckpointSchedule saving = context_.schedule();
  if (context_.setup.probes != nullptr)
    saving.log = [&notes = fit->notes](const std::string& line) { notes.push_back(line); };
  probe.checkpoints = std::make_shared<Checkpoints>(context_.store().checkpoint_path(key), saving);
  probe.checkpoints->carry("log", fit->log);
  return fit;
}

}  // namespace w2s
