#include "lab/blueprint.hpp"

#include <w2s/safetensors.hpp>

#include "store/payload.hpp"
#include "values/toml.hpp"

namespace w2s {
nlohmann::json Blueprint::to_json() const {
  return {{"spec", nlohmann::json::parse(write_json(spec.value()))},
          {"kind", name_of(context.kind)},
          {"classes", context.classes},
          {"input_shape", context.input_shape},
          {"seed", seed},
          {"init", init},
          {"pretrain", pretrain}};
}

Blueprint Blueprint::from_json(const nlohmann::json& json) {
  Blueprint blueprint;
  blueprint.spec = Spec::parse(parse_json(json.at("spec").dump(), "a stored model"), "model");
  blueprint.context.kind =
      value_named<TaskKind>(json.at("kind").get<std::string>()).value_or(TaskKind::classification);
  blueprint.context.classes = json.at("classes");
  blueprint.context.input_shape = json.at("input_shape").get<std::vector<std::int64_t>>();
  blueprint.seed = json.at("seed");
  blueprint.init = json.at("init");
  blueprint.pretrain = json.at("pretrain");
  return blueprint;
}

Recipe Blueprint::recipe(const Registry& registry) const {
  // Weights that are loaded do not depend on a seed, and a file is known by its contents.
  const bool loaded = registry.make_model(spec)->pretrained() || !init.empty() || !pretrain.empty();
  Recipe recipe("weights", {});
  recipe.set("model", plugin_recipe(registry, PluginKind::model, spec))
      .set("task", name_of(context.kind))
      .set("classes", context.classes)
      .set("input_shape", context.input_shape)
      .set("seed", loaded ? 0 : seed)
      .set("init", init.empty() ? "" : digest_of_file(init))
      .set("pretrain", pretrain);
  return recipe;
}

std::unique_ptr<IModel> Blueprint::build(const Registry& registry, const Store& store) const {
  std::unique_ptr<IModel> model = registry.make_model(spec);
  guarded(registry.find(PluginKind::model, spec).origin(),
          [&] { model->build(context, Stream(seed, "initial weights")); });
  if (!init.empty()) load_weights(*model, init);
  if (!pretrain.empty()) load_weights(*model, store.path(pretrain) + "/" + kWeightsFile);
  for (Parameters::Item& item : model->parameters().items()) item.tensor.set_requires_grad(false);
  return model;
}

void load_weights(IModel& model, const std::string& path, const std::string& prefix) {
  const SafeTensors file = SafeTensors::open(path);
  for (const Parameters::Item& item : model.parameters().items()) {
    const std::string name = prefix + item.name;
    if (!file.has(name)) throw Error(path + ": the tensor '" + name + "' is missing");
    model.parameters().assign(item.name, file.at(name));
  }
}

}  // namespace w2s
