#include "lab/pretrainer.hpp"

#include <algorithm>

#include <w2s/objective.hpp>
#include <w2s/safetensors.hpp>

#include "engine/pretrain.hpp"
#include "lab/backbones.hpp"
#include "lab/text_examples.hpp"
#include "plugins/resolve.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

void save_weights(const ObjectWriter& object, IModel& model, const std::string& prefix) {
  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : model.parameters().items()) tensors[prefix + item.name] = item.tensor;
  save_safetensors(object.folder() + "/" + kWeightsFile, tensors);
}

}  // namespace

// One training without labels.
struct Pretrainer::Run {
  const Spec& objective;
  const Examples& inputs;
  const TrainParams& train;
  Stream stream;
  std::string title, key;
};

Pretrainer::Pretrainer(LabContext& context) : context_(context) {
  const TaskData& data = *context.setup.data;
  unlabelled_ = data.unlabelled.empty() ? data.train : data.unlabelled;
  if (context.generation()) unlabelled_ = without_answers(unlabelled_);
}

Blueprint Pretrainer::initial(const ModelSpec& model, std::uint64_t seed) const {
  const TaskData& data = *context_.setup.data;
  Blueprint blueprint;
  blueprint.spec = resolve(context_.registry(), PluginKind::model, model.spec);
  blueprint.context.kind = data.kind;
  blueprint.context.classes = data.classes;
  const Columns& columns = data.train.columns();
  if (columns.dense.defined()) blueprint.context.input_shape = columns.dense.sizes().slice(1).vec();
  blueprint.seed = seed;
  blueprint.init = model.init;
  return blueprint;
}

std::string Pretrainer::pretrain(const std::string& name) {
  const ModelSpec& model = context_.experiment().model(name);
  if (!model.pretrain) return "";
  const Recipe wanted = recipe(model);
  context_.once(wanted.key(), "the pretraining of " + name, [&] { compute(model, wanted); });
  return wanted.key();
}

// An objective with files of its own does not see the task, so the model is not told of the task either: one
// pretraining then serves many tasks.
Blueprint Pretrainer::start_of(const ModelSpec& model) const {
  Blueprint start = initial(model, static_cast<std::uint64_t>(model.pretrain->seed));
  if (!context_.registry().make_objective(model.pretrain->objective)->files().empty()) {
    start.context.kind = TaskKind::classification;
    start.context.classes = 2;
  }
  return start;
}

// The files of an objective are in its own recipe; the others read the inputs.
void Pretrainer::set_inputs(Recipe& recipe, const Spec& objective, const Examples& inputs) const {
  recipe.set("objective", plugin_recipe(context_.registry(), PluginKind::objective, objective));
  const bool own_files = !context_.registry().make_objective(objective)->files().empty();
  recipe.set("inputs", own_files ? "the objective's files" : inputs.input_digest());
}

Recipe Pretrainer::recipe(const ModelSpec& model) const {
  const PretrainSpec& spec = *model.pretrain;
  Recipe recipe = context_.recipe("pretrain", true);
  recipe.set("start", start_of(model).recipe(context_.registry()))
      .set("train", json_of(context_.settings.pretraining(model)))
      .set("examples", spec.examples)
      .set("seed", spec.seed);
  set_inputs(recipe, spec.objective, unlabelled_);
  return recipe;
}

void Pretrainer::compute(const ModelSpec& model_spec, const Recipe& recipe) {
  const PretrainSpec& spec = *model_spec.pretrain;
  const auto seed = static_cast<std::uint64_t>(spec.seed);
  const Spec objective = resolve(context_.registry(), PluginKind::objective, spec.objective);
  const Blueprint start = start_of(model_spec);
  const std::unique_ptr<IModel> model = start.build(context_.registry(), context_.store());
  to_device(model->parameters(), context_.setup.device);

  Examples inputs = unlabelled_;
  if (spec.examples > 0 && spec.examples < inputs.size()) {
    std::vector<std::int64_t> chosen = Stream(seed, "pretraining subset").permutation(inputs.size());
    chosen.resize(static_cast<std::size_t>(spec.examples));
    inputs = inputs.select(chosen);
  }
  const TrainParams train = context_.settings.pretraining(model_spec);
  const std::string key = recipe.key();
  std::string log;
  const nlohmann::json result = run(
      {objective, inputs, train, Stream(seed, "pretrain"), "pretrain " + model_spec.name, key}, *model, log);
  context_.store().put(key, "pretrain", [&](ObjectWriter& object) {
    write_log(object, log);
    save_weights(object, *model, "");
    recipe.write(object.manifest());
    object.manifest().update(result);
    object.manifest().update({{"model", model_spec.name}, {"blueprint", start.to_json()}});
  });
  context_.store().drop_checkpoint(key);
}

Student Pretrainer::tune(Backbones& backbones, const FitSpec& spec, const Spec& objective_spec,
                         const Table& train, const Examples& examples) {
  if (spec.start.members().size() > 1) throw UsageError("tuning goes on from one student, not from several");
  const Spec objective = resolve(context_.registry(), PluginKind::objective, objective_spec);
  const TrainParams params = parse_train(train, "tune");
  const Examples inputs = context_.generation() ? without_answers(examples) : examples;
  const Backbone start = backbones.start_of(spec, 0);
  Recipe recipe = context_.recipe("tune", true);
  recipe.set("start", start.key).set("train", json_of(params)).set("seed", spec.seed);
  set_inputs(recipe, objective, inputs);
  const std::string key = recipe.key();
  context_.once(key, "a tuning of " + spec.model, [&] {
    const std::unique_ptr<IModel> model = backbones.build(start);
    std::string log;
    const nlohmann::json result =
        run({objective, inputs, params, Stream(spec.seed, "tune"), "tune " + spec.model, key}, *model, log);
    StoredFit fit;
    fit.model = spec.model;
    fit.blueprint = start.blueprint;
    fit.backbone_key = start.key;
    fit.backbone_fit = start.fit;
    fit.trained_backbone = true;
    fit.train = params;
    fit.seed = spec.seed;
    fit.start = spec.start;
    fit.device = context_.device_kind();
    context_.store().put(key, "tune", [&](ObjectWriter& object) {
      write_log(object, log);
      save_weights(object, *model, kBackbonePrefix);
      recipe.write(object.manifest());
      fit.write(object.manifest());
      object.manifest().update(result);
    });
    context_.store().drop_checkpoint(key);
  });
  return Student(key);
}

// Gives what a manifest says of it.
nlohmann::json Pretrainer::run(const Run& run, IModel& model, std::string& log) {
  const auto started = std::chrono::steady_clock::now();
  const Registry& registry = context_.registry();
  const std::unique_ptr<IObjective> objective = registry.make_objective(run.objective);
  const PluginInfo& owner = registry.find(PluginKind::objective, run.objective);
  // What is read without answers is texts, and no longer a task of generation.
  const TaskKind kind = context_.generation() ? TaskKind::classification : context_.kind();
  const Encoded encoded = calling(owner, [&] { return objective->inputs(model, run.inputs, kind); });
  Checkpoints checkpoints(context_.store().checkpoint_path(run.key), context_.schedule());
  checkpoints.carry("log", log);
  nlohmann::json measures;
  double training_seconds = 0;
  calling(owner, [&] {
    const auto begun = std::chrono::steady_clock::now();
    w2s::pretrain(model, *objective, run.objective.type, encoded, run.train, run.stream,
                  context_.setup.device, context_.observer(run.title, run.key, log), &checkpoints);
    training_seconds = checkpoints.seconds_before() + seconds_since(begun);
    measures = objective->measures(model);
  });
  if (!measures.empty()) log += measures.dump() + '\n';
  nlohmann::json result = {{"objective", json_of(run.objective)},
                           {"train", json_of(run.train)},
                           {"examples", run.inputs.size()},
                           {"rows", encoded.rows()},
                           {"measures", measures},
                           {"training_seconds", training_seconds},
                           {"seconds", checkpoints.seconds_before() + seconds_since(started)},
                           {"peak_bytes", peak_bytes()}};
  if (encoded.ragged()) {
    const double tokens = static_cast<double>(encoded.tokens.size()) * static_cast<double>(run.train.epochs);
    result["tokens"] = tokens;
    result["tokens_per_second"] = tokens / std::max(1e-9, training_seconds);
  }
  return result;
}

}  // namespace w2s
