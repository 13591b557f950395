// Training without labels: a model's pretraining, and what strategies ask for (Lab::tune).
#include "engine/pretrain.hpp"
#include "lab/local_lab_parts.hpp"
#include "lab/text_examples.hpp"

namespace w2s {

std::string LocalLab::pretrain(const std::string& name) {
  const ModelSpec& model = setup_.experiment->model(name);
  if (!model.pretrain) return "";
  const std::string key = pretrain_key(model);
  const bool computed = setup_.store->once(
      key, [&] { compute_pretrain(model, key); },
      [&] {
        if (setup_.progress) setup_.progress({"waiting for the pretraining of " + name, {}});
      });
  note(key, computed);
  return key;
}

// Where pretraining starts. An objective with files of its own does not see the task, so the model is not
// told of the task either: one pretraining then serves many tasks.
Blueprint LocalLab::pretrain_start(const ModelSpec& model, const std::vector<std::string>& files) const {
  Blueprint start = initial(model, static_cast<std::uint64_t>(model.pretrain->seed));
  if (!files.empty()) {
    start.context.kind = TaskKind::classification;
    start.context.classes = 2;
  }
  return start;
}

std::string LocalLab::pretrain_key(const ModelSpec& model) const {
  const PretrainSpec& spec = *model.pretrain;
  const std::vector<std::string> files = setup_.registry->make_objective(spec.objective)->files();
  std::string inputs;
  for (const std::string& file : files) inputs += sha256_file(file);
  if (inputs.empty()) inputs = unlabelled().input_digest();
  Digest sha;
  return sha.add("pretrain")
      .add(engine_digest())
      .add(pretrain_start(model, files).key(*setup_.registry))
      .add(spec_digest(*setup_.registry, PluginKind::objective, spec.objective))
      .add(json_of(parse_train(spec.train, "pretrain")).dump())
      .add(spec.examples)
      .add(spec.seed)
      .add(inputs)
      .add(device_kind(setup_.device))
      .hex();
}

const Examples& LocalLab::unlabelled() const { return unlabelled_; }

// Trains the model on inputs without labels; gives what a manifest says of it.
nlohmann::json LocalLab::run_objective(IModel& model, const Spec& objective_spec, const Examples& inputs,
                                       const TrainParams& train, const Stream& stream,
                                       const std::string& title, const std::string& key, std::string& log) {
  const auto started = std::chrono::steady_clock::now();
  const std::unique_ptr<IObjective> objective = setup_.registry->make_objective(objective_spec);
  const PluginInfo& owner = setup_.registry->find(PluginKind::objective, objective_spec);
  // What is read without answers is texts, and no longer a task of generation.
  const bool texts = setup_.data->kind == TaskKind::generation;
  const Encoded encoded = calling(owner, [&] {
    return objective->inputs(model, inputs, texts ? TaskKind::classification : setup_.data->kind);
  });
  Checkpoints checkpoints(setup_.store->checkpoint_path(key), schedule());
  checkpoints.carry("log", log);
  nlohmann::json measures;
  double training_seconds = 0;
  calling(owner, [&] {
    const auto begun = std::chrono::steady_clock::now();
    w2s::pretrain(model, *objective, objective_spec.type, encoded, train, stream, setup_.device,
                  observer(title, key, log), &checkpoints);
    training_seconds = checkpoints.seconds_before() + seconds_since(begun);
    measures = objective->measures(model);
  });
  if (!measures.empty()) log += measures.dump() + '\n';
  nlohmann::json result = {{"objective", json_of(objective_spec)},
                           {"train", json_of(train)},
                           {"examples", inputs.size()},
                           {"rows", encoded.rows()},
                           {"measures", measures},
                           {"training_seconds", training_seconds},
                           {"seconds", checkpoints.seconds_before() + seconds_since(started)},
                           {"peak_bytes", peak_bytes()}};
  if (encoded.ragged()) {
    const double tokens = static_cast<double>(encoded.tokens.size()) * static_cast<double>(train.epochs);
    result["tokens"] = tokens;
    result["tokens_per_second"] = tokens / std::max(1e-9, training_seconds);
  }
  return result;
}

void LocalLab::compute_pretrain(const ModelSpec& model_spec, const std::string& key) {
  const PretrainSpec& spec = *model_spec.pretrain;
  const auto seed = static_cast<std::uint64_t>(spec.seed);
  const Spec objective = resolve(*setup_.registry, PluginKind::objective, spec.objective);
  const Blueprint start = pretrain_start(model_spec, setup_.registry->make_objective(objective)->files());
  const std::unique_ptr<IModel> model = start.build(*setup_.registry, *setup_.store);
  to_device(model->parameters(), setup_.device);

  Examples inputs = unlabelled();
  if (spec.examples > 0 && spec.examples < inputs.size()) {
    std::vector<std::int64_t> chosen = Stream(seed, "pretraining subset").permutation(inputs.size());
    chosen.resize(static_cast<std::size_t>(spec.examples));
    inputs = inputs.select(chosen);
  }
  std::string log;
  const nlohmann::json result =
      run_objective(*model, objective, inputs, parse_train(spec.train, "pretrain"), Stream(seed, "pretrain"),
                    "pretrain " + model_spec.name, key, log);
  setup_.store->put(key, "pretrain", [&](ObjectWriter& object) {
    write_log(object, log);
    std::map<std::string, Tensor> tensors;
    for (const Parameters::Item& item : model->parameters().items()) tensors[item.name] = item.tensor;
    save_safetensors(object.folder() + "/model.safetensors", tensors);
    object.manifest().update(result);
    object.manifest().update({{"model", model_spec.name}, {"blueprint", start.to_json()}});
  });
  setup_.store->drop_checkpoint(key);
}

Student LocalLab::tune(const FitSpec& spec, const Spec& objective_spec, const Table& train,
                       const Examples& examples) {
  if (spec.start.members().size() > 1) throw UsageError("tuning goes on from one student, not from several");
  const Spec objective = resolve(*setup_.registry, PluginKind::objective, objective_spec);
  const TrainParams params = parse_train(train, "tune");
  const Examples inputs = setup_.data->kind == TaskKind::generation ? without_answers(examples) : examples;
  std::string contents;
  for (const std::string& file : setup_.registry->make_objective(objective)->files())
    contents += sha256_file(file);
  if (contents.empty()) contents = inputs.input_digest();
  const Backbone start = start_of(spec, 0);
  Digest sha;
  const std::string key = sha.add("tune")
                              .add(engine_digest())
                              .add(start.key)
                              .add(spec_digest(*setup_.registry, PluginKind::objective, objective))
                              .add(json_of(params).dump())
                              .add(contents)
                              .add(static_cast<std::int64_t>(spec.seed))
                              .add(device_kind(setup_.device))
                              .hex();
  const bool computed = setup_.store->once(
      key,
      [&] {
        const std::unique_ptr<IModel> model = build(start);
        std::string log;
        const nlohmann::json result = run_objective(
            *model, objective, inputs, params, Stream(spec.seed, "tune"), "tune " + spec.model, key, log);
        setup_.store->put(key, "tune", [&](ObjectWriter& object) {
          write_log(object, log);
          std::map<std::string, Tensor> tensors;
          for (const Parameters::Item& item : model->parameters().items())
            tensors[kBackbonePrefix + item.name] = item.tensor;
          save_safetensors(object.folder() + "/model.safetensors", tensors);
          object.manifest().update(result);
          object.manifest().update({{"model", spec.model},
                                    {"blueprint", start.blueprint.to_json()},
                                    {"backbone", {{"key", start.key}, {"fit", start.fit}}},
                                    {"trained_backbone", true},
                                    {"oracle", false},
                                    {"start", spec.start.members()},
                                    {"seed", spec.seed}});
        });
        setup_.store->drop_checkpoint(key);
      },
      [&] {
        if (setup_.progress) setup_.progress({"waiting for a tuning of " + spec.model, {}});
      });
  note(key, computed);
  return Student(key);
}

}  // namespace w2s
