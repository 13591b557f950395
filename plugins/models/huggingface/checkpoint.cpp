#include "checkpoint.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <w2s/json.hpp>

namespace w2s::hf {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> read_index(const std::string& path) {
  const Value index = read_json(path);
  const Value* map = index.is_table() ? index.as_table().find("weight_map") : nullptr;
  if (!map || !map->is_table() || map->as_table().empty()) {
    throw Error(path + ": expected an object 'weight_map' from tensor names to files");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : map->as_table()) {
    if (!file.is_string() || fs::path(file.as_string()).filename() != file.as_string()) {
      throw Error(path + ": tensor '" + tensor + "': expected the name of a file in this folder, found " +
                  file.canonical());
    }
    shards[tensor] = file.as_string();
  }
  return shards;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

// Checkpoints converted from TensorFlow call a norm's weight and bias gamma and beta.
std::string modern_name(std::string name) {
  for (const auto& [old_end, new_end] : {std::pair{".gamma", ".weight"}, std::pair{".beta", ".bias"}}) {
    if (name.ends_with(old_end)) name = name.substr(0, name.rfind('.')) + new_end;
  }
  return name;
}

std::string conversion(const std::string& folder) {
  return "This converts it:\npython3 -c \"import glob, torch, safetensors.torch as st; w = {}; "
         "[w.update(torch.load(f, 'cpu', weights_only=True)) for f in glob.glob('" +
         folder +
         "/pytorch_model*.bin')]; st.save_file({k: v.clone().contiguous() for k, v in w.items()}, '" +
         folder + "/model.safetensors', {'format': 'pt'})\"";
}

std::string count_text(std::size_t listed, std::size_t all) {
  return all > listed ? " and " + std::to_string(all - listed) + " more" : "";
}

}  // namespace

std::vector<std::string> weight_files(const std::string& folder) {
  const std::string single = folder + "/model.safetensors", index = single + ".index.json";
  if (fs::exists(single)) return {single};
  if (!fs::exists(index)) {
    const bool pickled =
        fs::exists(folder + "/pytorch_model.bin") || fs::exists(folder + "/pytorch_model.bin.index.json");
    throw UsageError(
        folder + ": no weights: expected model.safetensors or model.safetensors.index.json" +
        (pickled ? ", found pytorch_model.bin, a pickle, which is not read. " + conversion(folder) : ""));
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : read_index(index)) names.insert(file);
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    paths.push_back(folder + "/" + name);
    if (!fs::exists(paths.back())) throw Error(index + ": the shard '" + name + "' is missing");
  }
  return paths;
}

Checkpoint::Checkpoint(const std::string& folder, const Layout& layout) : folder_(folder) {
  for (const std::string& path : weight_files(folder)) files_.push_back(SafeTensors::open(path));
  locate(layout);
  check(layout);
}

void Checkpoint::locate(const Layout& layout) {
  for (std::size_t file = 0; file < files_.size(); ++file) {
    for (const std::string& name : files_[file].names()) {
      std::string bare = modern_name(layout.bare_name(name));
      if (layout.ignores(bare)) continue;
      const auto [other, added] = found_.emplace(bare, Place{file, name});
      if (!added) {
        throw Error(files_[file].path() + ": tensor '" + name + "' is there twice, also as '" +
                    other->second.name + "' in " + files_[other->second.file].path());
      }
    }
  }
  const std::string index = folder_ + "/model.safetensors.index.json";
  if (fs::exists(folder_ + "/model.safetensors") || !fs::exists(index)) return;
  for (const auto& [tensor, shard] : read_index(index)) {
    const std::string path = folder_ + "/" + shard;
    const auto file =
        std::find_if(files_.begin(), files_.end(), [&](const auto& f) { return f.path() == path; });
    if (!file->has(tensor))
      throw Error(index + ": tensor '" + tensor + "' is missing from its shard '" + shard + "'");
  }
}

void Checkpoint::check(const Layout& layout) const {
  const std::string where = files_.size() == 1 ? files_[0].path() : folder_;
  std::set<std::string> expected;
  std::vector<const TensorSpec*> missing;
  for (const TensorSpec& tensor : layout.tensors) {
    expected.insert(tensor.name);
    if (!has(tensor) && !tensor.optional) missing.push_back(&tensor);
  }
  std::vector<std::string> unexpected;
  for (const auto& [bare, place] : found_) {
    if (!expected.count(bare)) unexpected.push_back(place.name);
  }
  std::string surplus;
  if (!unexpected.empty()) {
    const auto& place = *std::find_if(found_.begin(), found_.end(),
                                      [&](const auto& item) { return item.second.name == unexpected[0]; });
    surplus = "'" + unexpected[0] + "' " + shape_text(files_[place.second.file].shape(unexpected[0])) +
              count_text(1, unexpected.size());
  }
  if (!missing.empty()) {
    throw Error(where + ": tensor '" + layout.full_name(*missing[0]) + "' " + shape_text(missing[0]->shape) +
                count_text(1, missing.size()) + " that config.json calls for is missing" +
                (surplus.empty() ? "" : "; unexpected: " + surplus));
  }
  if (!surplus.empty())
    throw Error(where + ": unexpected tensor " + surplus + ": config.json calls for no such weight");

  for (const TensorSpec& tensor : layout.tensors) {
    if (!has(tensor)) continue;
    const Place& place = found_.at(tensor.name);
    const SafeTensors& file = files_[place.file];
    if (file.shape(place.name) != tensor.shape) {
      throw Error(file.path() + ": tensor '" + place.name + "' has shape " +
                  shape_text(file.shape(place.name)) + ", expected " + shape_text(tensor.shape) +
                  " by config.json");
    }
    const Tensor view = file.at(place.name);
    if (!view.is_floating_point()) {
      throw Error(file.path() + ": tensor '" + place.name + "' holds " + c10::toString(view.scalar_type()) +
                  ", expected a floating type (quantised checkpoints are not read)");
    }
  }
}

Tensor Checkpoint::load(const TensorSpec& tensor, at::ScalarType type) const {
  const Place& place = found_.at(tensor.name);
  return files_[place.file].load(place.name, type);
}

}  // namespace w2s::hf
