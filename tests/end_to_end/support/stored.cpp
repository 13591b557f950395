#include "stored.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "workbench.hpp"

namespace w2s::e2e {

namespace fs = std::filesystem;

std::map<std::string, std::string> digests(const std::string& runs) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(runs + "/objects")) {
    if (entry.path().filename() != "manifest.json") continue;
    const nlohmann::json manifest = nlohmann::json::parse(read_whole(entry.path()));
    for (const auto& [name, file] : manifest.at("files").items()) {
      if (name.ends_with(".safetensors") || name.ends_with(".correct")) {
        found[manifest.at("key").get<std::string>() + "/" + name] = file.at("sha256");
      }
    }
  }
  return found;
}

bool has_checkpoint(const std::string& runs) {
  if (!fs::exists(runs + "/checkpoints")) return false;
  std::error_code gone;  // a folder may go while one looks
  for (const auto& entry : fs::recursive_directory_iterator(runs + "/checkpoints", gone)) {
    if (entry.path().filename() == "checkpoint.safetensors") return true;
  }
  return false;
}

std::string all_logs(const std::string& runs) {
  std::string all;
  for (const auto& log : fs::directory_iterator(runs + "/logs")) all += read_whole(log.path());
  return all;
}

}  // namespace w2s::e2e
