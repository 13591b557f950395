// Blueprint: everything that fixes a model's initial weights, and their digest.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <w2s/model.hpp>

#include "lab/recipe.hpp"
#include "plugins/registry.hpp"
#include "store/store.hpp"

namespace w2s {

struct Blueprint {
  Spec spec;  // every default filled in
  ModelContext context;
  std::uint64_t seed = 0;  // of the weights that are drawn at random
  std::string init;        // a checkpoint (safetensors) that is loaded over them, or ""
  std::string pretrain;    // key of a pretraining whose weights are loaded last, or ""

  nlohmann::json to_json() const;
  static Blueprint from_json(const nlohmann::json& json);

  /// Of the weights: the blueprint, the plugin's code and the files it reads.
  Recipe recipe(const Registry& registry) const;
  /// The model at its initial weights, on the CPU, requiring no gradients.
  std::unique_ptr<IModel> build(const Registry& registry, const Store& store) const;
};

/// Reads weights into a model; `prefix` stands before every name in the file. Throws Error
/// naming a missing tensor or a wrong shape.
void load_weights(IModel& model, const std::string& path, const std::string& prefix = "");

}  // namespace w2s
