// Recipe: all that a stored result depends on, as one value. Its JSON is what the object's manifest says, the
// SHA-256 of that JSON is the object's key, and the plan asks for results by the same recipes.
//
// A recipe names the parts of our own code whose edits can change the result (base/code_parts.hpp);
// LibTorch's version is one of them. Part recipes are referred to by their keys, so that a large one is
// written once.
#pragma once

#include <initializer_list>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include <w2s/schema.hpp>
#include <w2s/train.hpp>

#include "config/split_params.hpp"
#include "plugins/registry.hpp"

namespace w2s {

class Recipe {
 public:
  /// `kind`: of the result ("fit", "features", …). `code`: parts that it uses.
  Recipe(const std::string& kind, std::initializer_list<const char*> code);

  /// Another part of our own code that it uses.
  Recipe& uses(const char* code_part);
  /// Adds what the result depends on. Throws Error for a name that is there.
  template <class T>
  Recipe& set(const std::string& name, const T& value) {
    return put(name, nlohmann::json(value));
  }
  /// Another recipe, by its key.
  Recipe& set(const std::string& name, const Recipe& part);
  /// Keeps the text of a recipe whose key is a value of this one.
  Recipe& refer(const Recipe& part);

  /// 64 hexadecimal characters.
  std::string key() const;
  const nlohmann::json& json() const { return json_; }
  /// The recipes that it refers to, theirs among them, by key.
  const std::map<std::string, nlohmann::json>& parts() const { return parts_; }
  /// Writes "recipe", and "parts" where there are any, into a manifest.
  void write(nlohmann::json& manifest) const;

 private:
  Recipe& put(const std::string& name, nlohmann::json value);

  nlohmann::json json_;
  std::map<std::string, nlohmann::json> parts_;
};

/// A plugin with every parameter, the digests of its code and of the files it reads, those of plugins nested
/// in its parameters among them. Files are hashed once each by this process, unless they change.
Recipe plugin_recipe(const Registry& registry, PluginKind kind, const Spec& spec);

/// SHA-256 of a file, remembered by its size and time. Safe to call from several threads.
std::string digest_of_file(const std::string& path);

nlohmann::json json_of(const TrainParams& train);
nlohmann::json json_of(const Spec& spec);
nlohmann::json json_of(const SplitParams& split);

/// TORCH_VERSION of this build.
std::string torch_version();

}  // namespace w2s
