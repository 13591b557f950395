#include "lab/local_lab.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <unordered_map>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/safetensors.hpp>

#include "config/toml.hpp"
#include "engine/pretrain.hpp"
#include "lab/engine_digest.hpp"
#include "plugins/resolve.hpp"

namespace w2s {
namespace {

const std::string kBackbonePrefix = "backbone.";
const std::string kHeadPrefix = "head.";

Table table_of(const TrainParams& train) {
  Schema<TrainParams> schema;
  describe_train(schema);
  return schema.resolved(train);
}

nlohmann::json json_of(const TrainParams& train) {
  return nlohmann::json::parse(write_json(Value(table_of(train))));
}

nlohmann::json json_of(const Spec& spec) { return nlohmann::json::parse(write_json(spec.value())); }

std::string stored_name(const std::string& trained) {
  return trained.rfind(kHeadPrefix, 0) == 0 ? trained : kBackbonePrefix + trained;
}

// f(), where models and objectives run: exceptions that are not ours are theirs, and name them.
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

// "cpu" or "cuda": which of several equal devices did the work does not matter.
std::string device_kind(at::Device device) { return device.is_cpu() ? "cpu" : "cuda"; }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

std::int64_t micro_tokens(const TrainParams& train) {
  return train.micro_tokens > 0 ? train.micro_tokens : kMicroTokens;
}

// Positions of `rows` of the examples within `base`, or nothing where one is not there.
std::optional<std::vector<std::int64_t>> positions_within(const Examples& examples, const Examples& base) {
  if (base.empty() || &examples.columns() != &base.columns()) return std::nullopt;
  std::unordered_map<std::int64_t, std::int64_t> place;
  for (std::int64_t i = 0; i < base.size(); ++i) place[base.row(i)] = i;
  std::vector<std::int64_t> positions;
  for (const std::int64_t row : examples.rows()) {
    const auto found = place.find(row);
    if (found == place.end()) return std::nullopt;
    positions.push_back(found->second);
  }
  return positions;
}

}  // namespace

// A fit as the store keeps it.
struct LocalLab::Fitted {
  std::string key;
  nlohmann::json manifest;
  TrainParams train;
  bool trained_backbone = false;
};

// Weights below the head: a model's initial ones, or those of a fit that trained them.
struct LocalLab::Backbone {
  std::string key;
  Blueprint blueprint;
  std::string fit;      // key of the fit that holds the weights; "" for initial ones
  bool oracle = false;  // its oracle weights instead
};

LocalLab::LocalLab(LabSetup setup) : setup_(std::move(setup)) {
  const Splits& splits = *setup_.splits;
  for (const Half* half : {&splits.supervisor, &splits.transfer})
    bases_.push_back(half->train.concat(half->validation));
  for (const auto& [name, examples] : splits.tests) bases_.push_back(examples);
}

LocalLab::~LocalLab() = default;

std::vector<std::string> LocalLab::models() const {
  std::vector<std::string> names;
  for (const ModelSpec& model : setup_.experiment->models) names.push_back(model.name);
  return names;
}

Stream LocalLab::stream(const std::string& purpose) const {
  return Stream(setup_.seed, "strategy " + purpose);
}

void LocalLab::log(const std::string& line) {
  if (setup_.log) setup_.log(line);
}

FitSpec LocalLab::spec_for(const std::string& model) const {
  FitSpec spec;
  spec.model = model;
  spec.seed = setup_.seed;
  spec.train = parse_train(merge(setup_.experiment->train, setup_.experiment->model(model).train), "train");
  return spec;
}

FitSpec LocalLab::student_spec(const std::string& model) const {
  FitSpec spec = spec_for(model);
  spec.train = method_settings(model);
  return spec;
}

TrainParams LocalLab::method_settings(const std::string& model) const {
  return parse_train(
      merge(merge(setup_.experiment->train, setup_.experiment->model(model).train), setup_.method_train),
      "train");
}

FitSpec LocalLab::for_model(const FitSpec& spec, const std::string& model) const {
  FitSpec other = spec;
  other.model = model;
  other.start = Student();
  // What strategies further out have changed holds for the other model too.
  const Table usual = table_of(method_settings(spec.model)), changed = table_of(spec.train);
  Table settings = table_of(method_settings(model));
  for (const auto& [key, value] : changed) {
    if (!(usual.at(key) == value)) settings.set(key, value);
  }
  other.train = parse_train(settings, "train");
  return other;
}

// The model's weights before any pretraining.
Blueprint LocalLab::initial(const ModelSpec& model, std::uint64_t seed) const {
  Blueprint blueprint;
  blueprint.spec = resolve(*setup_.registry, PluginKind::model, model.spec);
  blueprint.context.kind = setup_.data->kind;
  blueprint.context.classes = setup_.data->classes;
  const Columns& columns = setup_.data->train.columns();
  if (columns.dense.defined()) blueprint.context.input_shape = columns.dense.sizes().slice(1).vec();
  blueprint.seed = seed;
  blueprint.init = model.init;
  return blueprint;
}

const Blueprint& LocalLab::blueprint(const std::string& name, std::uint64_t seed) {
  const auto known = blueprints_.find({name, seed});
  if (known != blueprints_.end()) return known->second;
  const ModelSpec& model = setup_.experiment->model(name);
  Blueprint blueprint = initial(model, seed);
  if (model.pretrain) blueprint.pretrain = pretrain(name);
  return blueprints_[{name, seed}] = blueprint;
}

void LocalLab::note(const std::string& key, bool computed) {
  if (std::find(used_.begin(), used_.end(), key) == used_.end()) used_.push_back(key);
  computed_ += computed ? 1 : 0;
}

std::function<void(const StepReport&)> LocalLab::observer(const std::string& what, std::ostream& log) {
  return [this, what, &log](const StepReport& report) {
    const std::int64_t every = std::max<std::int64_t>(1, report.total / 200);
    if (report.step % every == 0 || report.step + 1 == report.total || report.validation_agreement) {
      nlohmann::json line = {{"step", report.step},
                             {"epoch", report.epoch},
                             {"loss", report.loss},
                             {"lr", report.lr},
                             {"gradient_norm", report.gradient_norm},
                             {"examples_per_second", report.examples_per_second}};
      if (report.validation_agreement) line["validation_agreement"] = *report.validation_agreement;
      if (report.validation_accuracy) line["validation_accuracy_oracle"] = *report.validation_accuracy;
      log << line.dump() << '\n';
    }
    if (setup_.progress) setup_.progress({what, report});
  };
}

// ---- pretraining

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

const Examples& LocalLab::unlabelled() const {
  return setup_.data->unlabelled.empty() ? setup_.data->train : setup_.data->unlabelled;
}

void LocalLab::compute_pretrain(const ModelSpec& model_spec, const std::string& key) {
  const auto started = std::chrono::steady_clock::now();
  const PretrainSpec& spec = *model_spec.pretrain;
  const auto seed = static_cast<std::uint64_t>(spec.seed);
  const Spec objective_spec = resolve(*setup_.registry, PluginKind::objective, spec.objective);
  const std::unique_ptr<IObjective> objective = setup_.registry->make_objective(objective_spec);
  const Blueprint start = pretrain_start(model_spec, objective->files());
  const std::unique_ptr<IModel> model = start.build(*setup_.registry, *setup_.store);
  to_device(model->parameters(), setup_.device);

  Examples inputs = unlabelled();
  if (spec.examples > 0 && spec.examples < inputs.size()) {
    std::vector<std::int64_t> chosen = Stream(seed, "pretraining subset").permutation(inputs.size());
    chosen.resize(static_cast<std::size_t>(spec.examples));
    inputs = inputs.select(chosen);
  }
  const TrainParams train = parse_train(spec.train, "pretrain");
  const PluginInfo& owner = setup_.registry->find(PluginKind::objective, objective_spec);
  const Encoded encoded =
      calling(owner, [&] { return objective->inputs(*model, inputs, setup_.data->kind); });

  ObjectWriter object = setup_.store->begin(key, "pretrain");
  std::ofstream log(object.folder() + "/log.jsonl");
  const nlohmann::json measures = calling(owner, [&] {
    w2s::pretrain(*model, *objective, objective_spec.type, encoded, train, Stream(seed, "pretrain"),
                  setup_.device, observer("pretrain " + model_spec.name, log));
    return objective->measures(*model);
  });
  if (!measures.empty()) log << measures.dump() << '\n';
  log.close();
  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : model->parameters().items()) tensors[item.name] = item.tensor;
  save_safetensors(object.folder() + "/model.safetensors", tensors);
  object.manifest().update({{"model", model_spec.name},
                            {"blueprint", start.to_json()},
                            {"objective", json_of(objective_spec)},
                            {"train", json_of(train)},
                            {"examples", inputs.size()},
                            {"rows", encoded.rows()},
                            {"measures", measures},
                            {"seconds", seconds_since(started)},
                            {"peak_bytes", peak_bytes()}});
  object.commit();
}

// ---- fitting

Student LocalLab::fit(const Supervision& given, const FitSpec& spec) {
  const bool hard = spec.train.labels == "hard";
  const Supervision supervision = hard ? given.hardened() : given;
  std::optional<Supervision> validation;
  if (spec.train.early_stopping && spec.validation)
    validation = hard ? spec.validation->hardened() : *spec.validation;
  const std::vector<std::string>& start = spec.start.members();
  const auto students = static_cast<std::size_t>(spec.rule ? spec.rule->students : 1);
  if (start.size() > 1 && start.size() != students) {
    throw UsageError(fmt::format("a fit of {} cannot start from {} students", students, start.size()));
  }
  std::string origin = start.empty() ? blueprint(spec.model, spec.seed).key(*setup_.registry) : "";
  for (const std::string& member : start) origin += member;

  const Spec loss = resolve(*setup_.registry, PluginKind::loss, spec.loss);
  Digest sha;
  sha.add("fit")
      .add(engine_digest())
      .add(origin)
      .add(supervision.digest())
      .add(validation ? validation->digest() : "")
      .add(json_of(spec.train).dump())
      .add(spec_digest(*setup_.registry, PluginKind::loss, loss))
      .add(device_kind(setup_.device))
      .add(static_cast<std::int64_t>(spec.seed))
      .add(Value(spec.weight_average).canonical());
  if (spec.rule)
    sha.add(spec_digest(*setup_.registry, PluginKind::strategy, spec.rule->owner)).add(spec.rule->students);
  std::vector<std::string> keys{sha.hex()};
  for (std::size_t k = 1; k < students; ++k) keys.push_back(sha256(keys[0] + std::to_string(k)));
  FitSpec resolved = spec;
  resolved.loss = loss;
  // The last student is stored last: where it is, all are.
  const bool computed = setup_.store->once(
      keys.back(), [&] { compute_fit(keys, supervision, resolved, validation ? &*validation : nullptr); },
      [&] {
        if (setup_.progress) setup_.progress({"waiting for a fit of " + spec.model, {}});
      });
  for (const std::string& key : keys) note(key, computed && key == keys.back());
  return Student(keys);
}

// Weights that one of several students starts from: each its own where they are drawn at random.
Blueprint LocalLab::student_blueprint(const FitSpec& spec, std::size_t student) {
  if (student == 0 || spec.train.trainable == "head") return blueprint(spec.model, spec.seed);
  return blueprint(spec.model, Stream(spec.seed, fmt::format("student {}", student)).bits());
}

// One student of a fit that is under way.
struct LocalLab::InTraining {
  Backbone backbone;
  std::unique_ptr<IModel> model;  // null where only the head trains
  std::unique_ptr<Head> head;
  std::unique_ptr<ILoss> loss;
  std::unique_ptr<Trainee> trainee;
};

void LocalLab::compute_fit(const std::vector<std::string>& keys, const Supervision& supervision,
                           const FitSpec& spec, const Supervision* validation) {
  const auto started = std::chrono::steady_clock::now();
  const Examples all = validation ? supervision.examples.concat(validation->examples) : supervision.examples;
  const bool probe = spec.train.trainable == "head";
  const Stream stream(spec.seed, "fit");
  const std::int64_t parts = setup_.data->kind == TaskKind::preference ? 2 : 1;

  Encoded encoded;
  Tensor features;
  std::vector<InTraining> students(keys.size());
  for (std::size_t k = 0; k < students.size(); ++k) {
    InTraining& student = students[k];
    std::optional<SafeTensors> start;
    if (!spec.start.empty()) {
      const std::string& member = spec.start.members()[spec.start.members().size() == 1 ? 0 : k];
      start = SafeTensors::open(setup_.store->path(member) + "/model.safetensors");
      student.backbone = backbone_of(fitted(member));
    } else {
      student.backbone.blueprint = student_blueprint(spec, k);
      student.backbone.key = student.backbone.blueprint.key(*setup_.registry);
    }
    student.loss = setup_.registry->make_loss(spec.loss);
    student.loss->check({setup_.data->kind, setup_.data->classes});
    if (!probe) {
      student.model = student.backbone.blueprint.build(*setup_.registry, *setup_.store);
      if (!student.backbone.fit.empty()) {
        load_weights(*student.model, setup_.store->path(student.backbone.fit) + "/model.safetensors",
                     kBackbonePrefix);
      }
      to_device(student.model->parameters(), setup_.device);
      if (k == 0) {
        encoded = calling(plugin_of(student.backbone),
                          [&] { return student.model->encode(all, setup_.data->kind); });
      }
    } else if (k == 0) {
      features = features_of(student.backbone, all, /*keep=*/true).to(setup_.device);
    }
    const std::int64_t width = probe ? features.size(1) : student.model->feature_size();
    student.head = std::make_unique<Head>(width, setup_.data->kind, setup_.data->classes, spec.train);
    if (students.size() > 1) student.head->randomize(stream.child(fmt::format("head of student {}", k)));
    to_device(student.head->parameters(), setup_.device);
    if (spec.train.standardize) {
      const Tensor seen =
          probe ? features : all_features(*student.model, encoded, setup_.device, micro_tokens(spec.train));
      student.head->standardize(seen.slice(0, 0, supervision.size() * parts).to(setup_.device));
    }
    for (const Parameters::Item& item : student.head->parameters().items()) {
      if (start && start->has(item.name)) student.head->parameters().assign(item.name, start->at(item.name));
    }
    if (probe) {
      student.trainee = std::make_unique<ProbeTrainee>(*student.head, features, parts);
    } else {
      student.trainee = std::make_unique<NetworkTrainee>(*student.model, *student.head, encoded,
                                                         spec.train.trainable, setup_.device);
    }
  }

  ObjectWriter first = setup_.store->begin(keys[0], "fit");
  std::ofstream log(first.folder() + "/log.jsonl");
  Trainer trainer(*students[0].trainee, *students[0].loss, spec.loss.type, spec.train, supervision,
                  validation, stream, setup_.device, observer("fit " + spec.model, log));
  for (std::size_t k = 1; k < students.size(); ++k)
    trainer.add_student(*students[k].trainee, *students[k].loss);
  trainer.average_weights(spec.weight_average);
  std::unique_ptr<StepRule> rule;
  if (spec.rule) {
    const PluginOrigin owner = setup_.registry->find(PluginKind::strategy, spec.rule->owner).origin();
    rule = guarded(owner, spec.rule->make);
    trainer.follow(*rule, owner);
  }
  const TrainResult result = calling(plugin_of(students[0].backbone), [&] { return trainer.run(); });
  log.close();

  nlohmann::json common = {{"model", spec.model},
                           {"trained_backbone", !probe},
                           {"oracle", !result.oracle.empty()},
                           {"start", spec.start.members()},
                           {"train", json_of(spec.train)},
                           {"loss", json_of(spec.loss)},
                           {"weight_average", spec.weight_average},
                           {"seed", spec.seed},
                           {"examples", supervision.size()},
                           {"validation", validation ? validation->size() : 0},
                           {"steps", result.steps},
                           {"kept_step", result.kept_step},
                           {"oracle_step", result.oracle_step},
                           {"device", device_kind(setup_.device)},
                           {"seconds", seconds_since(started)},
                           {"peak_bytes", peak_bytes()}};
  if (spec.rule) common.update({{"rule", json_of(spec.rule->owner)}, {"students", keys}});
  const auto store = [&](ObjectWriter& object, InTraining& student, const Snapshot& oracle_weights) {
    std::map<std::string, Tensor> tensors;
    for (const Parameters::Item& item : student.head->parameters().items()) tensors[item.name] = item.tensor;
    if (student.model) {
      for (const Parameters::Item& item : student.model->parameters().items()) {
        tensors[kBackbonePrefix + item.name] = item.tensor;
      }
    }
    save_safetensors(object.folder() + "/model.safetensors", tensors);
    if (!oracle_weights.empty()) {
      for (const auto& [name, tensor] : oracle_weights) tensors[stored_name(name)] = tensor;
      save_safetensors(object.folder() + "/oracle.safetensors", tensors);
    }
    object.manifest().update(common);
    object.manifest().update({{"blueprint", student.backbone.blueprint.to_json()},
                              {"backbone", {{"key", student.backbone.key}, {"fit", student.backbone.fit}}}});
    object.commit();
  };
  store(first, students[0], result.oracle);
  for (std::size_t k = 1; k < students.size(); ++k) {
    ObjectWriter object = setup_.store->begin(keys[k], "fit");
    store(object, students[k], result.other_oracles.empty() ? Snapshot() : result.other_oracles[k - 1]);
  }
}

// ---- fitted models

const LocalLab::Fitted& LocalLab::fitted(const std::string& key) {
  std::unique_ptr<Fitted>& entry = fitted_[key];
  if (!entry) {
    auto loaded = std::make_unique<Fitted>();
    loaded->key = key;
    loaded->manifest = setup_.store->manifest(key);
    loaded->train =
        parse_train(parse_json(loaded->manifest.at("train").dump(), "a stored fit").as_table(), "train");
    loaded->trained_backbone = loaded->manifest.at("trained_backbone");
    entry = std::move(loaded);
  }
  return *entry;
}

LocalLab::Backbone LocalLab::backbone_of(const Fitted& fitted) {
  Backbone backbone;
  backbone.blueprint = Blueprint::from_json(fitted.manifest.at("blueprint"));
  if (fitted.trained_backbone) {
    backbone.key = backbone.fit = fitted.key;
  } else {
    backbone.key = fitted.manifest.at("backbone").at("key");
    backbone.fit = fitted.manifest.at("backbone").at("fit");
  }
  return backbone;
}

const PluginInfo& LocalLab::plugin_of(const Backbone& backbone) const {
  return setup_.registry->find(PluginKind::model, backbone.blueprint.spec);
}

IModel& LocalLab::model_of(const Backbone& backbone) {
  std::unique_ptr<IModel>& model = built_[backbone.key + (backbone.oracle ? ".oracle" : "")];
  if (!model) {
    model = backbone.blueprint.build(*setup_.registry, *setup_.store);
    if (!backbone.fit.empty()) {
      load_weights(
          *model,
          setup_.store->path(backbone.fit) + (backbone.oracle ? "/oracle" : "/model") + ".safetensors",
          kBackbonePrefix);
    }
    to_device(model->parameters(), setup_.device);
  }
  return *model;
}

// Features [N · parts, D] of the examples, on the CPU. Kept ones are computed for the whole set that
// holds the examples, so that every selection from it reads the same object.
Tensor LocalLab::features_of(const Backbone& backbone, const Examples& examples, bool keep) {
  const TaskKind kind = setup_.data->kind;
  const auto compute = [&](const Examples& rows) {
    IModel& model = model_of(backbone);
    return calling(plugin_of(backbone), [&] {
      return all_features(model, model.encode(rows, kind), setup_.device, kMicroTokens);
    });
  };
  if (!keep) return compute(examples);

  Examples whole = examples;
  std::optional<std::vector<std::int64_t>> chosen;
  for (const Examples& base : bases_) {
    chosen = positions_within(examples, base);
    if (chosen) {
      whole = base;
      break;
    }
  }
  Digest sha;
  const std::string key = sha.add("features")
                              .add(engine_digest())
                              .add(backbone.key)
                              .add(whole.input_digest())
                              .add(device_kind(setup_.device))
                              .hex();
  Tensor& features = features_[key];
  if (!features.defined()) {
    setup_.store->once(key, [&] {
      if (setup_.progress) setup_.progress({fmt::format("features of {} examples", whole.size()), {}});
      ObjectWriter object = setup_.store->begin(key, "features");
      save_safetensors(object.folder() + "/features.safetensors", {{"features", compute(whole)}});
      object.manifest().update({{"backbone", backbone.key}, {"examples", whole.size()}});
      object.commit();
    });
    features = SafeTensors::open(setup_.store->path(key) + "/features.safetensors").at("features");
  }
  if (!chosen) return features;
  const std::int64_t parts = whole.empty() ? 1 : features.size(0) / whole.size();
  return features.view({-1, parts, features.size(1)})
      .index_select(0, at::tensor(*chosen, at::kLong))
      .flatten(0, 1);
}

Tensor LocalLab::features(const std::string& model, const Examples& examples) {
  Backbone backbone;
  backbone.blueprint = blueprint(model, setup_.seed);
  backbone.key = backbone.blueprint.key(*setup_.registry);
  return features_of(backbone, examples, /*keep=*/true);
}

Tensor LocalLab::features(const Student& student, const Examples& examples) {
  if (student.members().size() != 1) {
    throw UsageError(
        fmt::format("features are those of one student; this one has {} members", student.members().size()));
  }
  const Fitted& fit = fitted(student.members()[0]);
  return features_of(backbone_of(fit), examples, /*keep=*/!fit.trained_backbone);
}

Student LocalLab::with_head(const Student& student, const Tensor& weight, const Tensor& bias) {
  if (student.members().size() != 1) {
    throw UsageError(
        fmt::format("one student can take another head; this one has {} members", student.members().size()));
  }
  if (setup_.data->kind != TaskKind::classification)
    throw UsageError("another head: for classification only");
  const std::string& base = student.members()[0];
  const Fitted& fit = fitted(base);
  const Tensor w = weight.detach().to(at::kCPU, at::kFloat).contiguous(),
               b = bias.detach().to(at::kCPU, at::kFloat);
  Digest sha;
  const std::string key = sha.add("head").add(engine_digest()).add(base).add(digest(w)).add(digest(b)).hex();
  const bool computed = setup_.store->once(key, [&] {
    const SafeTensors old = SafeTensors::open(setup_.store->path(base) + "/model.safetensors");
    std::map<std::string, Tensor> tensors;
    for (const std::string& name : old.names()) {
      if (name.rfind(kHeadPrefix, 0) != 0) tensors[name] = old.at(name);
    }
    tensors["head.weight"] = w;
    tensors["head.bias"] = b.contiguous();
    TrainParams train = fit.train;
    train.head_bias = true;
    train.standardize = false;
    ObjectWriter object = setup_.store->begin(key, "fit");
    save_safetensors(object.folder() + "/model.safetensors", tensors);
    for (const char* name : {"model", "blueprint", "backbone", "trained_backbone", "loss", "seed", "examples",
                             "validation", "steps", "kept_step", "device"}) {
      object.manifest()[name] = fit.manifest.at(name);
    }
    object.manifest().update({{"train", json_of(train)},
                              {"oracle", false},
                              {"oracle_step", 0},
                              {"start", student.members()},
                              {"seconds", 0.0}});
    object.commit();
  });
  note(key, computed);
  return Student(key);
}

std::map<std::string, Tensor> LocalLab::once(const Spec& owner, const std::string& inputs,
                                             const std::function<std::map<std::string, Tensor>()>& compute) {
  Digest sha;
  const std::string key = sha.add("tensors")
                              .add(engine_digest())
                              .add(spec_digest(*setup_.registry, PluginKind::strategy, owner))
                              .add(inputs)
                              .add(static_cast<std::int64_t>(setup_.seed))
                              .add(device_kind(setup_.device))
                              .hex();
  setup_.store->once(key, [&] {
    ObjectWriter object = setup_.store->begin(key, "tensors");
    save_safetensors(object.folder() + "/tensors.safetensors", compute());
    object.manifest()["owner"] = json_of(owner);
    object.commit();
  });
  const SafeTensors file = SafeTensors::open(setup_.store->path(key) + "/tensors.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : file.names()) tensors[name] = file.at(name);
  return tensors;
}

const SupervisorFit& LocalLab::supervisor_fit() const {
  if (!supervisor_fit_) throw UsageError("the labels come from outside: there is no supervisor to fit anew");
  return *supervisor_fit_;
}

Tensor LocalLab::member_probabilities(const std::string& key, const Examples& examples, bool oracle) {
  at::NoGradGuard no_grad;
  const Fitted& fit = fitted(key);
  Backbone backbone = backbone_of(fit);
  backbone.oracle = oracle && fit.trained_backbone;
  const Tensor features = features_of(backbone, examples, /*keep=*/!fit.trained_backbone).to(setup_.device);
  Head head(features.size(1), setup_.data->kind, setup_.data->classes, fit.train);
  const SafeTensors weights =
      SafeTensors::open(setup_.store->path(key) + (oracle ? "/oracle.safetensors" : "/model.safetensors"));
  for (const Parameters::Item& item : head.parameters().items()) {
    head.parameters().assign(item.name, weights.at(item.name));
  }
  to_device(head.parameters(), setup_.device);
  return head.logits(features).softmax(1).to(at::kCPU, at::kFloat);
}

Tensor LocalLab::predict(const Student& student, const Examples& examples) {
  if (student.empty()) throw Error("predict: an empty student");
  Tensor sum;
  for (const std::string& key : student.members()) {
    const Tensor probabilities = member_probabilities(key, examples, /*oracle=*/false);
    sum = sum.defined() ? sum + probabilities : probabilities;
  }
  return sum / static_cast<double>(student.members().size());
}

std::optional<Tensor> LocalLab::predict_oracle(const Student& student, const Examples& examples) {
  if (student.members().size() != 1 || !fitted(student.members()[0]).manifest.at("oracle").get<bool>()) {
    return std::nullopt;
  }
  return member_probabilities(student.members()[0], examples, /*oracle=*/true);
}

Student run_chain(const std::vector<std::unique_ptr<ISupervisionStrategy>>& chain, const Supervision& labels,
                  const FitSpec& spec, Lab& lab) {
  std::function<Student(std::size_t, const Supervision&, const FitSpec&)> link =
      [&](std::size_t i, const Supervision& given, const FitSpec& wanted) -> Student {
    if (i == chain.size()) return lab.fit(given, wanted);
    return chain[i]->supervise(given, wanted, lab,
                               [&, i](const Supervision& s, const FitSpec& f) { return link(i + 1, s, f); });
  };
  return link(0, labels, spec);
}

}  // namespace w2s
