#include "lab/backbones.hpp"

#include <numeric>
#include <optional>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>
#include <w2s/torch_compat.hpp>

#include "engine/team/shares.hpp"
#include "lab/pretrainer.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

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

std::vector<std::int64_t> first(std::int64_t count) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

Backbones::Backbones(LabContext& context, Pretrainer& pretrainer)
    : context_(context), pretrainer_(pretrainer) {
  const Splits& splits = *context.setup.splits;
  for (const Half* half : {&splits.supervisor, &splits.transfer})
    bases_.push_back(half->train.concat(half->validation));
  for (const auto& [name, examples] : splits.tests) bases_.push_back(examples);
}

Backbones::~Backbones() = default;

const Blueprint& Backbones::blueprint(const std::string& name, std::uint64_t seed) {
  const auto known = blueprints_.find({name, seed});
  if (known != blueprints_.end()) return known->second;
  const ModelSpec& model = context_.experiment().model(name);
  Blueprint blueprint = pretrainer_.initial(model, seed);
  if (model.pretrain) blueprint.pretrain = pretrainer_.pretrain(name);
  return blueprints_[{name, seed}] = blueprint;
}

Backbone Backbones::initial(const std::string& model, std::uint64_t seed) {
  Backbone backbone;
  backbone.blueprint = blueprint(model, seed);
  backbone.key = backbone.blueprint.recipe(context_.registry()).key();
  return backbone;
}

Backbone Backbones::of(const StoredFit& fit) const {
  Backbone backbone;
  backbone.blueprint = fit.blueprint;
  backbone.precision = precision_of(fit.train);
  backbone.key = fit.trained_backbone ? fit.key : fit.backbone_key;
  backbone.fit = fit.trained_backbone ? fit.key : fit.backbone_fit;
  return backbone;
}

Backbone Backbones::start_of(const FitSpec& spec, std::size_t student) {
  const std::vector<std::string>& start = spec.start.members();
  if (!start.empty()) return of(context_.fits.at(start[start.size() == 1 ? 0 : student]));
  if (student == 0 || spec.train.trainable.is_head()) return initial(spec.model, spec.seed);
  return initial(spec.model, Stream(spec.seed, fmt::format("student {}", student)).bits());
}

const PluginInfo& Backbones::plugin_of(const Backbone& backbone) const {
  return context_.registry().find(PluginKind::model, backbone.blueprint.spec);
}

std::unique_ptr<IModel> Backbones::build(const Backbone& backbone) const {
  std::unique_ptr<IModel> model = backbone.blueprint.build(context_.registry(), context_.store());
  if (!backbone.fit.empty()) {
    const std::string& file = backbone.oracle ? kOracleFile : kWeightsFile;
    load_weights(*model, context_.store().path(backbone.fit) + "/" + file, kBackbonePrefix);
  }
  to_device(model->parameters(), context_.setup.device);
  return model;
}

IModel& Backbones::shared(const Backbone& backbone) {
  std::unique_ptr<IModel>& model = built_[backbone.key + (backbone.oracle ? ".oracle" : "")];
  if (!model) model = build(backbone);
  return *model;
}

// The processes of a team compute a part each.
Tensor Backbones::compute(IModel& model, const Examples& examples) const {
  const auto all = [&](const Examples& some) {
    return all_features(model, model.encode(some, context_.kind()), context_.setup.device, kMicroTokens);
  };
  Team* team = context_.setup.team;
  if (team == nullptr) return all(examples);
  const std::int64_t parts = context_.parts();
  const auto [begin, end] = range_of(examples.size(), team->rank(), team->size());
  Tensor features = at::zeros({examples.size() * parts, model.feature_size()});
  if (begin < end) features.slice(0, begin * parts, end * parts).copy_(all(context_.own_part(examples)));
  team->all_reduce(features);
  return features;
}

Tensor Backbones::features(const Backbone& backbone, const Examples& examples) {
  IModel& model = shared(backbone);
  const compat::Autocast mixed(context_.setup.device.type(), backbone.precision);
  return calling(plugin_of(backbone), [&] { return compute(model, examples); });
}

FeatureRows Backbones::kept_rows(const Backbone& backbone, const Examples& examples) {
  Examples whole = examples;
  std::optional<std::vector<std::int64_t>> chosen;
  for (const Examples& base : bases_) {
    chosen = positions_within(examples, base);
    if (chosen) {
      whole = base;
      break;
    }
  }
  Recipe recipe = context_.recipe("features", whole.has_text());
  recipe.set("backbone", backbone.key)
      .set("precision", c10::toString(backbone.precision))
      .set("inputs", whole.input_digest());
  const std::string key = recipe.key();
  Tensor& kept = context_.cache().features[key];
  if (!kept.defined()) {
    context_.store().once(key, [&] {
      context_.tell(fmt::format("features of {} examples", whole.size()));
      const Tensor computed = features(backbone, whole);
      context_.store().put(key, "features", [&](ObjectWriter& object) {
        save_safetensors(object.folder() + "/" + kFeaturesFile, {{"features", computed}});
        recipe.write(object.manifest());
        object.manifest().update({{"backbone", backbone.key}, {"examples", whole.size()}});
      });
    });
    kept = SafeTensors::open(context_.store().path(key) + "/" + kFeaturesFile).at("features");
  }
  const std::int64_t parts = whole.empty() ? 1 : kept.size(0) / whole.size();
  return {kept.view({-1, parts, kept.size(1)}), chosen ? std::move(*chosen) : first(whole.size())};
}

Tensor Backbones::kept_features(const Backbone& backbone, const Examples& examples) {
  const FeatureRows found = kept_rows(backbone, examples);
  if (found.rows == first(found.whole.size(0))) return found.whole.flatten(0, 1);
  return found.whole.index_select(0, at::tensor(found.rows, at::kLong)).flatten(0, 1);
}

}  // namespace w2s
