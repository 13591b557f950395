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

nlohmann::json json_of(const TrainParams& train) {
  Schema<TrainParams> schema;
  describe_train(schema);
  return nlohmann::json::parse(write_json(Value(schema.resolved(train))));
}

nlohmann::json json_of(const Spec& spec) { return nlohmann::json::parse(write_json(spec.value())); }

std::string stored_name(const std::string& trained) {
  return trained.rfind(kHeadPrefix, 0) == 0 ? trained : kBackbonePrefix + trained;
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

std::int64_t micro_tokens(const TrainParams& train) { return train.micro_tokens > 0 ? train.micro_tokens : kMicroTokens; }

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
  std::string fit;     // key of the fit that holds the weights; "" for initial ones
  bool oracle = false; // its oracle weights instead
};

LocalLab::LocalLab(LabSetup setup) : setup_(std::move(setup)) {
  const Splits& splits = *setup_.splits;
  for (const Half* half : {&splits.supervisor, &splits.transfer}) bases_.push_back(half->train.concat(half->validation));
  for (const auto& [name, examples] : splits.tests) bases_.push_back(examples);
}

LocalLab::~LocalLab() = default;

std::vector<std::string> LocalLab::models() const {
  std::vector<std::string> names;
  for (const ModelSpec& model : setup_.experiment->models) names.push_back(model.name);
  return names;
}

Stream LocalLab::stream(const std::string& purpose) const { return Stream(setup_.seed, "strategy " + purpose); }

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

FitSpec LocalLab::for_model(const FitSpec& spec, const std::string& model) const {
  FitSpec other = spec;
  other.model = model;
  other.start = Student();
  other.train = parse_train(
      merge(merge(setup_.experiment->train, setup_.experiment->model(model).train), setup_.method_train), "train");
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

const Blueprint& LocalLab::blueprint(const std::string& name) {
  const auto known = blueprints_.find(name);
  if (known != blueprints_.end()) return known->second;
  const ModelSpec& model = setup_.experiment->model(name);
  Blueprint blueprint = initial(model, setup_.seed);
  if (model.pretrain) blueprint.pretrain = pretrain(name);
  return blueprints_[name] = blueprint;
}

void LocalLab::note(const std::string& key, bool computed) {
  if (std::find(used_.begin(), used_.end(), key) == used_.end()) used_.push_back(key);
  computed_ += computed ? 1 : 0;
}

std::function<void(const StepReport&)> LocalLab::observer(const std::string& what, std::ostream& log) {
  return [this, what, &log](const StepReport& report) {
    const std::int64_t every = std::max<std::int64_t>(1, report.total / 200);
    if (report.step % every == 0 || report.step + 1 == report.total || report.validation_agreement) {
      nlohmann::json line = {{"step", report.step},     {"epoch", report.epoch},
                             {"loss", report.loss},     {"lr", report.lr},
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
      [&] { if (setup_.progress) setup_.progress({"waiting for the pretraining of " + name, {}}); });
  note(key, computed);
  return key;
}

std::string LocalLab::pretrain_key(const ModelSpec& model) const {
  const PretrainSpec& spec = *model.pretrain;
  Digest sha;
  return sha.add("pretrain")
      .add(engine_digest())
      .add(initial(model, static_cast<std::uint64_t>(spec.seed)).key(*setup_.registry))
      .add(spec_digest(*setup_.registry, PluginKind::objective, spec.objective))
      .add(json_of(parse_train(spec.train, "pretrain")).dump())
      .add(spec.examples)
      .add(spec.seed)
      .add(unlabelled().input_digest())
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
  const Blueprint start = initial(model_spec, seed);
  const std::unique_ptr<IModel> model = start.build(*setup_.registry, *setup_.store);
  to_device(model->parameters(), setup_.device);

  Examples inputs = unlabelled();
  if (spec.examples > 0 && spec.examples < inputs.size()) {
    std::vector<std::int64_t> chosen = Stream(seed, "pretraining subset").permutation(inputs.size());
    chosen.resize(static_cast<std::size_t>(spec.examples));
    inputs = inputs.select(chosen);
  }
  const Spec objective_spec = resolve(*setup_.registry, PluginKind::objective, spec.objective);
  const std::unique_ptr<IObjective> objective = setup_.registry->make_objective(objective_spec);
  const TrainParams train = parse_train(spec.train, "pretrain");
  const Encoded encoded = model->encode(inputs, setup_.data->kind);

  ObjectWriter object = setup_.store->begin(key, "pretrain");
  std::ofstream log(object.folder() + "/log.jsonl");
  w2s::pretrain(*model, *objective, objective_spec.type, encoded, train, Stream(seed, "pretrain"), setup_.device,
                observer("pretrain " + model_spec.name, log));
  log.close();
  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : model->parameters().items()) tensors[item.name] = item.tensor;
  save_safetensors(object.folder() + "/model.safetensors", tensors);
  object.manifest().update({{"model", model_spec.name},
                            {"blueprint", start.to_json()},
                            {"objective", json_of(objective_spec)},
                            {"train", json_of(train)},
                            {"examples", inputs.size()},
                            {"seconds", seconds_since(started)},
                            {"peak_bytes", peak_bytes()}});
  object.commit();
}

// ---- fitting

Student LocalLab::fit(const Supervision& given, const FitSpec& spec) {
  const bool hard = spec.train.labels == "hard";
  const Supervision supervision = hard ? given.hardened() : given;
  std::optional<Supervision> validation;
  if (spec.train.early_stopping && spec.validation) validation = hard ? spec.validation->hardened() : *spec.validation;
  if (spec.start.members().size() > 1) throw UsageError("a fit can start from one student, not from an ensemble");

  const Spec loss = resolve(*setup_.registry, PluginKind::loss, spec.loss);
  Digest sha;
  sha.add("fit")
      .add(engine_digest())
      .add(spec.start.empty() ? blueprint(spec.model).key(*setup_.registry) : spec.start.members()[0])
      .add(supervision.digest())
      .add(validation ? validation->digest() : "")
      .add(json_of(spec.train).dump())
      .add(spec_digest(*setup_.registry, PluginKind::loss, loss))
      .add(device_kind(setup_.device))
      .add(static_cast<std::int64_t>(spec.seed));
  const std::string key = sha.hex();
  FitSpec resolved = spec;
  resolved.loss = loss;
  const bool computed = setup_.store->once(
      key, [&] { compute_fit(key, supervision, resolved, validation ? &*validation : nullptr); },
      [&] { if (setup_.progress) setup_.progress({"waiting for a fit of " + spec.model, {}}); });
  note(key, computed);
  return Student(key);
}

void LocalLab::compute_fit(const std::string& key, const Supervision& supervision, const FitSpec& spec,
                           const Supervision* validation) {
  const auto started = std::chrono::steady_clock::now();
  const Examples all = validation ? supervision.examples.concat(validation->examples) : supervision.examples;
  Backbone backbone;
  if (spec.start.empty()) {
    backbone.blueprint = blueprint(spec.model);
    backbone.key = backbone.blueprint.key(*setup_.registry);
  } else {
    backbone = backbone_of(fitted(spec.start.members()[0]));
  }
  const std::unique_ptr<ILoss> loss = setup_.registry->make_loss(spec.loss);
  loss->check({setup_.data->kind, setup_.data->classes});

  const bool probe = spec.train.trainable == "head";
  const Stream stream(spec.seed, "fit");
  std::unique_ptr<IModel> model;
  Encoded encoded;
  std::int64_t width = 0;
  if (!probe) {
    model = backbone.blueprint.build(*setup_.registry, *setup_.store);
    if (!backbone.fit.empty()) {
      load_weights(*model, setup_.store->path(backbone.fit) + "/model.safetensors", kBackbonePrefix);
    }
    to_device(model->parameters(), setup_.device);
    encoded = model->encode(all, setup_.data->kind);
    width = model->feature_size();
  }
  Tensor features;
  if (probe) {
    features = features_of(backbone, all, /*keep=*/true);
    width = features.size(1);
  }
  const std::int64_t parts = setup_.data->kind == TaskKind::preference ? 2 : 1;

  Head head(width, setup_.data->kind, setup_.data->classes, spec.train);
  to_device(head.parameters(), setup_.device);
  if (spec.train.standardize) {
    const Tensor seen = probe ? features : all_features(*model, encoded, setup_.device, micro_tokens(spec.train));
    head.standardize(seen.slice(0, 0, supervision.size() * parts).to(setup_.device));
  }
  if (!spec.start.empty()) {
    const SafeTensors weights = SafeTensors::open(setup_.store->path(spec.start.members()[0]) + "/model.safetensors");
    for (const Parameters::Item& item : head.parameters().items()) {
      if (weights.has(item.name)) head.parameters().assign(item.name, weights.at(item.name));
    }
  }
  std::unique_ptr<Trainee> trainee;
  if (probe) {
    trainee = std::make_unique<ProbeTrainee>(head, features.to(setup_.device), parts);
  } else {
    trainee = std::make_unique<NetworkTrainee>(*model, head, encoded, spec.train.trainable, setup_.device);
  }

  ObjectWriter object = setup_.store->begin(key, "fit");
  std::ofstream log(object.folder() + "/log.jsonl");
  Trainer trainer(*trainee, *loss, spec.loss.type, spec.train, supervision, validation, stream, setup_.device,
                  observer("fit " + spec.model, log));
  const TrainResult result = trainer.run();
  log.close();

  std::map<std::string, Tensor> tensors;
  for (const Parameters::Item& item : head.parameters().items()) tensors[item.name] = item.tensor;
  if (model) {
    for (const Parameters::Item& item : model->parameters().items()) tensors[kBackbonePrefix + item.name] = item.tensor;
  }
  save_safetensors(object.folder() + "/model.safetensors", tensors);
  if (!result.oracle.empty()) {
    std::map<std::string, Tensor> oracle = tensors;
    for (const auto& [name, tensor] : result.oracle) oracle[stored_name(name)] = tensor;
    save_safetensors(object.folder() + "/oracle.safetensors", oracle);
  }
  object.manifest().update(
      {{"model", spec.model},
       {"blueprint", backbone.blueprint.to_json()},
       {"backbone", {{"key", backbone.key}, {"fit", backbone.fit}}},
       {"trained_backbone", !probe},
       {"oracle", !result.oracle.empty()},
       {"start", spec.start.members()},
       {"train", json_of(spec.train)},
       {"loss", json_of(spec.loss)},
       {"seed", spec.seed},
       {"examples", supervision.size()},
       {"validation", validation ? validation->size() : 0},
       {"steps", result.steps},
       {"kept_step", result.kept_step},
       {"oracle_step", result.oracle_step},
       {"device", device_kind(setup_.device)},
       {"seconds", seconds_since(started)},
       {"peak_bytes", peak_bytes()}});
  object.commit();
}

// ---- fitted models

const LocalLab::Fitted& LocalLab::fitted(const std::string& key) {
  std::unique_ptr<Fitted>& entry = fitted_[key];
  if (!entry) {
    auto loaded = std::make_unique<Fitted>();
    loaded->key = key;
    loaded->manifest = setup_.store->manifest(key);
    loaded->train = parse_train(parse_json(loaded->manifest.at("train").dump(), "a stored fit").as_table(), "train");
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

IModel& LocalLab::model_of(const Backbone& backbone) {
  std::unique_ptr<IModel>& model = built_[backbone.key + (backbone.oracle ? ".oracle" : "")];
  if (!model) {
    model = backbone.blueprint.build(*setup_.registry, *setup_.store);
    if (!backbone.fit.empty()) {
      load_weights(*model, setup_.store->path(backbone.fit) + (backbone.oracle ? "/oracle" : "/model") + ".safetensors",
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
    return all_features(model, model.encode(rows, kind), setup_.device, kMicroTokens);
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
  const std::string key =
      sha.add("features").add(engine_digest()).add(backbone.key).add(whole.input_digest()).add(device_kind(setup_.device)).hex();
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
  return features.view({-1, parts, features.size(1)}).index_select(0, at::tensor(*chosen, at::kLong)).flatten(0, 1);
}

Tensor LocalLab::features(const std::string& model, const Examples& examples) {
  Backbone backbone;
  backbone.blueprint = blueprint(model);
  backbone.key = backbone.blueprint.key(*setup_.registry);
  return features_of(backbone, examples, /*keep=*/true);
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
