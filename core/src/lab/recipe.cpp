#include "lab/recipe.hpp"

#include <sys/stat.h>

#include <mutex>
#include <tuple>

#include <torch/version.h>

#include <w2s/digest.hpp>
#include <w2s/plugin.hpp>

#include "base/code_parts.hpp"
#include "config/settings.hpp"
#include "plugins/resolve.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

// Digests of the files that a plugin reads, in its order.
std::vector<std::string> files_of(const Registry& registry, PluginKind kind, const Spec& spec) {
  std::vector<std::string> digests;
  const auto add = [&](const std::vector<std::string>& files) {
    for (const std::string& file : files) digests.push_back(digest_of_file(file));
  };
  if (kind == PluginKind::task) add(registry.make_task(spec)->files());
  if (kind == PluginKind::objective) add(registry.make_objective(spec)->files());
  if (kind == PluginKind::model) {
    const std::string digest = registry.make_model(spec)->source_digest();
    if (!digest.empty()) digests.push_back(digest);
  }
  return digests;
}

}  // namespace

Recipe::Recipe(const std::string& kind, std::initializer_list<const char*> code) {
  json_["kind"] = kind;
  for (const char* part : code) uses(part);
}

Recipe& Recipe::uses(const char* part) {
  json_["code"][part] = code_part(part);
  json_["code"]["torch"] = torch_version();
  return *this;
}

Recipe& Recipe::put(const std::string& name, nlohmann::json value) {
  if (json_.contains(name)) throw Error("the recipe has '" + name + "' already");
  json_[name] = std::move(value);
  return *this;
}

Recipe& Recipe::refer(const Recipe& part) {
  parts_.insert(part.parts_.begin(), part.parts_.end());
  parts_.emplace(part.key(), part.json_);
  return *this;
}

Recipe& Recipe::set(const std::string& name, const Recipe& part) { return refer(part).set(name, part.key()); }

std::string Recipe::key() const { return sha256(json_.dump()); }

void Recipe::write(nlohmann::json& manifest) const {
  manifest["recipe"] = json_;
  if (!parts_.empty()) manifest["parts"] = parts_;
}

Recipe plugin_recipe(const Registry& registry, PluginKind kind, const Spec& spec) {
  Recipe recipe(name_of(kind), {});
  recipe.set("spec", json_of(resolve(registry, kind, spec)));
  recipe.set("plugins", registry.digests(kind, spec));
  std::vector<std::string> files;
  for (const auto& [nested, inner] : registry.with_nested(kind, spec)) {
    const std::vector<std::string> some = files_of(registry, nested, inner);
    files.insert(files.end(), some.begin(), some.end());
  }
  if (!files.empty()) recipe.set("files", files);
  return recipe;
}

std::string digest_of_file(const std::string& path) {
  using State = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::uint64_t>;
  static std::mutex mutex;
  static std::map<std::string, std::pair<State, std::string>> known;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return sha256_file(path);  // says why
  const State state{status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino};
  {
    const std::lock_guard lock(mutex);
    const auto found = known.find(path);
    if (found != known.end() && found->second.first == state) return found->second.second;
  }
  const std::string digest = sha256_file(path);
  const std::lock_guard lock(mutex);
  known[path] = {state, digest};
  return digest;
}

nlohmann::json json_of(const TrainParams& train) {
  return nlohmann::json::parse(write_json(Value(table_of(train))));
}

nlohmann::json json_of(const Spec& spec) { return nlohmann::json::parse(write_json(spec.value())); }

nlohmann::json json_of(const SplitParams& split) {
  Schema<SplitParams> schema;
  describe_split(schema);
  return nlohmann::json::parse(write_json(Value(schema.resolved(split))));
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace w2s
