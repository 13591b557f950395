// Fitted students: their weights, features and predictions.
#include <numeric>

#include <w2s/torch_compat.hpp>

#include "engine/team/shares.hpp"
#include "lab/local_lab_parts.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kCachedBytes = std::int64_t{256} << 20;  // of probabilities

// Positions of the rows of the examples within `base`, or nothing where one is not there.
std::optional<std::vector<std::int64_t>> positions_within(const Examples& examples, const Examples& base) {
  if (base.empty() || &examples.columns() != &base.columns()) return std::nullopt;
  std::vector<std::int64_t> place(base.columns().ids.size(), -1), positions;
  for (std::int64_t i = 0; i < base.size(); ++i) place[static_cast<std::size_t>(base.row(i))] = i;
  for (const std::int64_t row : examples.rows()) {
    positions.push_back(place[static_cast<std::size_t>(row)]);
    if (positions.back() < 0) return std::nullopt;
  }
  return positions;
}

}  // namespace

const LocalLab::Fitted& LocalLab::fitted(const std::string& key) {
  std::unique_ptr<Fitted>& entry = fitted_[key];
  if (!entry) {
    auto loaded = std::make_unique<Fitted>();
    loaded->key = key;
    loaded->manifest = setup_.store->manifest(key);
    loaded->train =
        parse_train(parse_json(loaded->manifest.at("train").dump(), "a stored fit").as_table(), "train");
    loaded->trained_backbone = loaded->manifest.at("trained_backbone");
    loaded->draft = Student(loaded->manifest.value("draft", std::vector<std::string>()));
    entry = std::move(loaded);
  }
  return *entry;
}

LocalLab::Backbone LocalLab::backbone_of(const Fitted& fitted) {
  Backbone backbone;
  backbone.blueprint = Blueprint::from_json(fitted.manifest.at("blueprint"));
  backbone.precision = precision_of(fitted.train);
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

std::unique_ptr<IModel> LocalLab::build(const Backbone& backbone) const {
  std::unique_ptr<IModel> model = backbone.blueprint.build(*setup_.registry, *setup_.store);
  if (!backbone.fit.empty()) {
    const char* weights = backbone.oracle ? "/oracle.safetensors" : "/model.safetensors";
    load_weights(*model, setup_.store->path(backbone.fit) + weights, kBackbonePrefix);
  }
  to_device(model->parameters(), setup_.device);
  return model;
}

IModel& LocalLab::model_of(const Backbone& backbone) {
  std::unique_ptr<IModel>& model = built_[backbone.key + (backbone.oracle ? ".oracle" : "")];
  if (!model) {
    model = build(backbone);
  }
  return *model;
}

// A contiguous part of the examples: that of this process of the team.
Examples LocalLab::own_part(const Examples& examples) const {
  if (setup_.team == nullptr) return examples;
  const auto [first, last] = range_of(examples.size(), setup_.team->rank(), setup_.team->size());
  return examples.slice(first, last);
}

// Features [N · parts, D] of the examples, on the CPU; the processes of a team compute a part each.
Tensor LocalLab::compute_features(IModel& model, const Examples& examples) {
  const auto compute = [&](const Examples& some) {
    return all_features(model, model.encode(some, setup_.data->kind), setup_.device, kMicroTokens);
  };
  Team* team = setup_.team;
  if (team == nullptr) return compute(examples);
  const std::int64_t parts = setup_.data->kind == TaskKind::preference ? 2 : 1;
  const auto [first, last] = range_of(examples.size(), team->rank(), team->size());
  Tensor features = at::zeros({examples.size() * parts, model.feature_size()});
  if (first < last) features.slice(0, first * parts, last * parts).copy_(compute(own_part(examples)));
  team->sum(features);
  return features;
}

// Kept features are computed for the whole set that holds the examples, so that every selection from it reads
// the same object.
LocalLab::FeatureRows LocalLab::kept_features(const Backbone& backbone, const Examples& examples) {
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
                              .add(c10::toString(backbone.precision))
                              .add(whole.input_digest())
                              .add(device_kind(setup_.device))
                              .hex();
  Tensor& features = setup_.cache->features[key];
  if (!features.defined()) {
    setup_.store->once(key, [&] {
      if (setup_.progress) setup_.progress({fmt::format("features of {} examples", whole.size()), {}});
      IModel& model = model_of(backbone);
      const compat::Autocast mixed(setup_.device.type(), backbone.precision);
      const Tensor computed = calling(plugin_of(backbone), [&] { return compute_features(model, whole); });
      setup_.store->put(key, "features", [&](ObjectWriter& object) {
        save_safetensors(object.folder() + "/features.safetensors", {{"features", computed}});
        object.manifest().update({{"backbone", backbone.key}, {"examples", whole.size()}});
      });
    });
    features = SafeTensors::open(setup_.store->path(key) + "/features.safetensors").at("features");
  }
  FeatureRows found;
  const std::int64_t parts = whole.empty() ? 1 : features.size(0) / whole.size();
  found.whole = features.view({-1, parts, features.size(1)});
  if (chosen) {
    found.rows = std::move(*chosen);
  } else {
    found.rows.resize(static_cast<std::size_t>(whole.size()));
    std::iota(found.rows.begin(), found.rows.end(), 0);
  }
  return found;
}

// Features [N · parts, D] of the examples, on the CPU.
Tensor LocalLab::features_of(const Backbone& backbone, const Examples& examples, bool keep) {
  if (!keep) {
    IModel& model = model_of(backbone);
    const compat::Autocast mixed(setup_.device.type(), backbone.precision);
    return calling(plugin_of(backbone), [&] { return compute_features(model, examples); });
  }
  const FeatureRows found = kept_features(backbone, examples);
  bool all = static_cast<std::int64_t>(found.rows.size()) == found.whole.size(0);
  for (std::size_t i = 0; all && i < found.rows.size(); ++i)
    all = found.rows[i] == static_cast<std::int64_t>(i);
  if (all) return found.whole.flatten(0, 1);
  return found.whole.index_select(0, at::tensor(found.rows, at::kLong)).flatten(0, 1);
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
  return features_of(backbone_of(fit), with_draft(fit.draft, examples), /*keep=*/!fit.trained_backbone);
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
    setup_.store->put(key, "fit", [&](ObjectWriter& object) {
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
      save_safetensors(object.folder() + "/model.safetensors", tensors);
      for (const char* name : {"model", "blueprint", "backbone", "trained_backbone", "loss", "seed",
                               "examples", "validation", "steps", "kept_step", "device"}) {
        object.manifest()[name] = fit.manifest.at(name);
      }
      object.manifest().update({{"train", json_of(train)},
                                {"oracle", false},
                                {"oracle_step", 0},
                                {"start", student.members()},
                                {"draft", fit.draft.members()},
                                {"seconds", 0.0}});
    });
  });
  note(key, computed);
  return Student(key);
}

Tensor LocalLab::member_probabilities(const std::string& key, const Examples& examples, bool oracle) {
  at::NoGradGuard no_grad;
  LabCache& cache = *setup_.cache;
  const std::string place = Digest().add(key).add(oracle ? "oracle" : "").add(examples.input_digest()).hex();
  if (const auto known = cache.probabilities.find(place); known != cache.probabilities.end())
    return known->second;
  const Fitted& fit = fitted(key);
  Backbone backbone = backbone_of(fit);
  backbone.oracle = oracle && fit.trained_backbone;
  const Tensor features =
      features_of(backbone, with_draft(fit.draft, examples), /*keep=*/!fit.trained_backbone)
          .to(setup_.device);
  Head head(features.size(1), setup_.data->kind, setup_.data->classes, fit.train);
  const SafeTensors weights =
      SafeTensors::open(setup_.store->path(key) + (oracle ? "/oracle.safetensors" : "/model.safetensors"));
  for (const Parameters::Item& item : head.parameters().items()) {
    head.parameters().assign(item.name, weights.at(item.name));
  }
  to_device(head.parameters(), setup_.device);
  const Tensor probabilities = head.logits(features).softmax(1).to(at::kCPU, at::kFloat);
  cache.bytes += probabilities.numel() * 4;
  if (cache.bytes > kCachedBytes) {
    cache.probabilities.clear();
    cache.bytes = probabilities.numel() * 4;
  }
  return cache.probabilities[place] = probabilities;
}

Tensor LocalLab::predict(const Student& student, const Examples& examples) {
  if (student.empty()) throw Error("predict: an empty student");
  if (setup_.data->kind == TaskKind::generation)
    throw UsageError("students of a generation task give answers, not probabilities of classes");
  Tensor sum;
  for (const std::string& key : student.members()) {
    const Tensor probabilities = member_probabilities(key, examples, /*oracle=*/false);
    sum = sum.defined() ? sum + probabilities : probabilities;
  }
  return sum / static_cast<double>(student.members().size());
}

bool LocalLab::has_oracle(const Student& student) {
  return student.members().size() == 1 && fitted(student.members()[0]).manifest.at("oracle").get<bool>();
}

Tensor LocalLab::predict_oracle(const Student& student, const Examples& examples) {
  return member_probabilities(student.members().at(0), examples, /*oracle=*/true);
}

}  // namespace w2s
