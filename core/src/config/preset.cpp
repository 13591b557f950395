#include "config/preset.hpp"

#include <algorithm>
#include <filesystem>

#include "base/files.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

const std::string kEnding = ".toml";

// A name given on the command line is meant from the working folder, as all paths there.
std::string file_named(const Value& preset) {
  const fs::path path(preset.as_string());
  const std::string& written_in = preset.source().file;
  const bool in_file = written_in.ends_with(kEnding);
  return (path.is_absolute() || !in_file ? path : fs::path(written_in).parent_path() / path)
      .lexically_normal()
      .string();
}

std::string find_preset(const Value& preset, const std::vector<std::string>& folders) {
  const std::string& name = preset.as_string();
  if (name.ends_with(kEnding) || name.find('/') != std::string::npos) {
    const std::string file = file_named(preset);
    if (!fs::is_regular_file(file)) fail_at(preset, "[task]: there is no preset file '" + file + "'");
    return file;
  }
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    const std::string file = folder + "/" + name + kEnding;
    if (!name.empty() && fs::is_regular_file(file)) return file;
    for (const std::string& entry : list_directory(folder)) {
      if (entry.ends_with(kEnding)) names.push_back(entry.substr(0, entry.size() - kEnding.size()));
    }
  }
  fail_at(preset, "[task]: there is no preset '" + name + "'" + did_you_mean(name, names) +
                      (names.empty() ? "" : "; there are " + one_of_list(names)) +
                      "; or give the path of a file of your own that ends in " + kEnding);
}

}  // namespace

void apply_preset(Value& root, const std::vector<std::string>& folders) {
  Value* task = root.as_table().find("task");
  if (task == nullptr || !task->is_table()) return;
  const Value* preset = task->as_table().find("preset");
  if (preset == nullptr) return;
  if (!preset->is_string()) {
    fail_at(*preset, "[task]: preset: expected the name of a preset, found " + preset->description());
  }

  Value merged = parse_toml_file(find_preset(*preset, folders));
  Table& table = merged.as_table();
  for (const auto& [key, value] : task->as_table()) {
    if (key == "preset") continue;
    Value* there = table.find(key);
    if (key == "split" && there != nullptr && there->is_table() && value.is_table()) {
      for (const auto& [inner, own] : value.as_table()) there->as_table().set(inner, own);
    } else {
      table.set(key, value);
    }
  }
  table.at(task->as_table().source());
  merged.at(task->source());
  *task = std::move(merged);
}

}  // namespace w2s
