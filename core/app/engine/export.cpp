// w2s export: a trained student as a Hugging Face folder, its head among the weights; language models have
// none.
#include <filesystem>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>
#include <w2s/saves_head.hpp>

#include "commands.hpp"
#include "lab/stored_fit.hpp"
#include "plugin_option.hpp"
#include "results/record.hpp"
#include "store/payload.hpp"

namespace w2s::app {
namespace {

// The fit that `wanted` is the beginning of, or the fits whose probabilities such a run's student averages.
std::vector<std::string> find_fits(const Store& store, const std::string& wanted) {
  std::vector<ObjectInfo> found;
  for (const char* kind : {"record", "fit"}) {
    for (const ObjectInfo& object : store.list(kind)) {
      if (object.key.starts_with(wanted)) found.push_back(object);
    }
  }
  if (found.empty()) {
    throw UsageError("there is no run and no fit '" + wanted + "' in '" + store.root() +
                     "'; w2s plan EXPERIMENT.toml shows the keys, their beginning is enough");
  }
  if (found.size() > 1) {
    throw UsageError("'" + wanted + "' is the beginning of " + std::to_string(found.size()) +
                     " runs and fits; give more of it");
  }
  if (found[0].kind == "fit") return {found[0].key};
  const nlohmann::json manifest = store.manifest(found[0].key);
  const auto record = manifest.at("record").get<Record>();
  if (record.fits.empty() || record.kind == "pretrain")
    throw UsageError("the run '" + wanted + "' trained no student");
  const auto members = manifest.value("student", std::vector<std::string>());
  return members.empty() ? std::vector{record.fits.back()} : members;
}

std::unique_ptr<IModel> backbone_of(const Store& store, const Registry& registry, const StoredFit& fit) {
  std::unique_ptr<IModel> model = fit.blueprint.build(registry, store);
  const std::string& trained = fit.trained_backbone ? fit.key : fit.backbone_fit;
  if (!trained.empty()) load_weights(*model, store.path(trained) + "/" + kWeightsFile, kBackbonePrefix);
  return model;
}

// logits = features · Wᵀ + b, a standardising head folded in.
LinearHead head_of(const std::string& path) {
  const SafeTensors file = SafeTensors::open(path);
  Tensor weight = file.at("head.weight").clone();
  Tensor bias = file.has("head.bias") ? file.at("head.bias").clone() : Tensor();
  if (file.has("head.mean")) {
    weight = weight / file.at("head.sd");
    const Tensor shift = -at::mv(weight, file.at("head.mean"));
    bias = bias.defined() ? bias + shift : shift;
  }
  return {weight, bias};
}

void export_fit(const Store& store, const Registry& registry, const std::string& key,
                const std::string& folder) {
  const StoredFit fit = StoredFit::read(store, key);
  const std::unique_ptr<IModel> model = backbone_of(store, registry, fit);
  const std::string weights = fit.weights(store);
  if (!SafeTensors::open(weights).has("head.weight")) {
    model->save(folder);
    fmt::print("{}: {} from fit {}, a language model without a head\n", folder, fit.model, key.substr(0, 12));
    return;
  }
  const auto* form = dynamic_cast<const ISavesHead*>(model.get());
  if (!form) throw UsageError("the model '" + fit.model + "' has no folder form with a place for a head");
  const LinearHead head = head_of(weights);
  const std::string name = form->save_with_head(folder, head);
  fmt::print("{}: {} from fit {}, {}.weight [{}, {}]{}\n", folder, fit.model, key.substr(0, 12), name,
             head.weight.size(0), head.weight.size(1), head.bias.defined() ? " and " + name + ".bias" : "");
}

}  // namespace

int export_student(const Command& command, const Args& args) {
  Options options(command, {"student", "folder"});
  StoreOption place;
  PluginOption plugins;
  options.take(place);
  options.take(plugins);
  if (!options.parse(args)) return 0;
  const std::string wanted = options.argument("student"), folder = options.argument("folder");
  if (std::filesystem::exists(folder + "/config.json")) {
    throw UsageError("'" + folder + "' holds a model already; name another folder");
  }
  const Registry registry = registry_with(plugins);
  const Store store = Store::read_only(place.runs);
  const std::vector<std::string> members = find_fits(store, wanted);
  if (members.size() == 1) {
    export_fit(store, registry, members[0], folder);
    return 0;
  }
  for (std::size_t k = 0; k < members.size(); ++k) {
    const std::string own = fmt::format("{}/member-{}", folder, k + 1);
    if (std::filesystem::exists(own + "/config.json"))
      throw UsageError("'" + own + "' holds a model already; name another folder");
    export_fit(store, registry, members[k], own);
  }
  fmt::print("The student's probabilities are the mean of those of its {} members\n", members.size());
  return 0;
}

}  // namespace w2s::app
