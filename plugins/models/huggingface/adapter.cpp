#include "adapter.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <w2s/json.hpp>

namespace w2s::hf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "/adapter_config.json";
constexpr const char* kWeights = "/adapter_model.safetensors";
const std::string kWrapped = "base_model.model.";  // before a module's name

bool written(const Table& table, const char* key) {
  const Value* value = table.find(key);
  if (!value || value->is_null() || *value == Value(false)) return false;
  if (value->is_list()) return !value->as_list().empty();
  return !value->is_table() || !value->as_table().empty();
}

}  // namespace

bool Adapter::is_in(const std::string& folder) { return fs::exists(folder + kConfig); }

void Adapter::refuse(const std::string& reason) const { throw UsageError(folder_ + kConfig + ": " + reason); }

Adapter::Adapter(const std::string& folder) : folder_(folder) {
  if (!is_in(folder)) throw UsageError(folder + ": no adapter: adapter_config.json is missing");
  const Value value = read_json(folder + kConfig);
  if (!value.is_table()) refuse("expected a JSON object");
  const Table& table = value.as_table();
  const auto text = [&](const char* key, const std::string& fallback) {
    const Value* found = table.find(key);
    return found && found->is_string() ? found->as_string() : fallback;
  };
  if (const std::string type = text("peft_type", ""); type != "LORA")
    refuse("'peft_type' = '" + type + "' is not supported; expected 'LORA'");
  if (const std::string bias = text("bias", "none"); bias != "none")
    refuse("'bias' = '" + bias + "': trained biases are not merged; merge the adapter in Python first");
  for (const char* key : {"use_dora", "layer_replication", "trainable_token_indices"}) {
    if (written(table, key))
      refuse("'" + std::string(key) + "' is not supported; merge the adapter in Python first");
  }
  if (const Value* alpha = table.find("lora_alpha"); alpha && alpha->is_number()) alpha_ = alpha->as_real();
  if (const Value* alphas = table.find("alpha_pattern"); alphas && alphas->is_table()) {
    for (const auto& [module, alpha] : alphas->as_table()) {
      if (!alpha.is_number()) refuse("'alpha_pattern': expected numbers");
      if (module.find_first_of("*+?[](){}|^$\\") != std::string::npos)
        refuse("'alpha_pattern': '" + module + "' is a pattern; only names of modules are read");
      alphas_.emplace_back(module, alpha.as_real());
    }
  }
  root_ = written(table, "use_rslora");
  base_ = text("base_model_name_or_path", "");
}

std::vector<std::string> Adapter::files() const {
  const std::string weights = folder_ + kWeights;
  if (!fs::exists(weights)) {
    throw UsageError(folder_ + ": no weights: expected adapter_model.safetensors" +
                     (fs::exists(folder_ + "/adapter_model.bin")
                          ? ", found adapter_model.bin (a pickle, which is "
                            "not read: save it with safe_serialization=True)"
                          : ""));
  }
  return {folder_ + kConfig, weights};
}

double Adapter::scale(const std::string& module, std::int64_t rank) const {
  const auto own = std::find_if(alphas_.begin(), alphas_.end(), [&](const auto& item) {
    return module == item.first || module.ends_with("." + item.first);
  });
  const double alpha = own == alphas_.end() ? alpha_ : own->second;
  const auto r = static_cast<double>(rank);
  return root_ ? alpha / std::sqrt(r) : alpha / r;
}

void Adapter::open(const Layout& layout) {
  const SafeTensors file = SafeTensors::open(files()[1]);
  for (const std::string& name : file.names()) {
    const auto wrong = [&](const std::string& reason) {
      throw Error(file.path() + ": tensor '" + name + "' " + reason);
    };
    const std::string end = name.ends_with(".lora_A.weight") ? ".lora_A.weight" : ".lora_B.weight";
    if (!name.starts_with(kWrapped)) wrong("does not begin with " + kWrapped);
    const std::string bare = layout.bare_name(name.substr(kWrapped.size()));
    if (layout.ignores(bare)) continue;
    if (!name.ends_with(end)) wrong("is no low-rank update of a linear map, which is all that is merged");
    const std::string module = bare.substr(0, bare.size() - end.size());
    const auto tensor = std::find_if(
        layout.tensors.begin(), layout.tensors.end(),
        [&](const TensorSpec& spec) { return spec.name == module + ".weight" && spec.map != Map::none; });
    if (tensor == layout.tensors.end()) wrong("belongs to no linear map of this model");
    const std::string pair = name.substr(0, name.size() - end.size());
    if (!file.has(pair + ".lora_A.weight") || !file.has(pair + ".lora_B.weight"))
      wrong("has no partner: expected lora_A and lora_B");
    if (updates_.count(tensor->name)) continue;
    const Tensor a = file.load(pair + ".lora_A.weight", at::kFloat);
    const Tensor b = file.load(pair + ".lora_B.weight", at::kFloat);
    const bool turned = tensor->map == Map::transposed;
    const std::int64_t out = tensor->shape[turned ? 1 : 0], in = tensor->shape[turned ? 0 : 1];
    if (a.dim() != 2 || b.dim() != 2 || a.size(1) != in || b.size(0) != out || a.size(0) != b.size(1)) {
      wrong("does not fit: expected lora_A [r, " + std::to_string(in) + "] and lora_B [" +
            std::to_string(out) + ", r]");
    }
    updates_[tensor->name] = {a, b, scale(pair.substr(kWrapped.size()), a.size(0))};
  }
}

Tensor Adapter::merged(const TensorSpec& tensor, const Tensor& weights) const {
  const Update& update = updates_.at(tensor.name);
  const Tensor product = update.scale * at::matmul(update.b, update.a);
  return weights + (tensor.map == Map::transposed ? product.t() : product);
}

}  // namespace w2s::hf
