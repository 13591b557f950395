#include "store/objects.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <w2s/digest.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

using nlohmann::json;

bool is_hex(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string digest_of(const json& manifest) {
  json body = manifest;
  body.erase("manifest_sha256");
  return sha256(body.dump(-1, ' ', false, json::error_handler_t::replace));
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw DamagedObject("damaged object: '" + path + "' " + what);
}

void check_size(const std::string& path, std::int64_t expected) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) throw_system_error("read", path, errno);
    damaged(path, "is missing");
  }
  if (status.st_size != expected) {
    damaged(path, "has " + std::to_string(status.st_size) + " bytes, expected " + std::to_string(expected));
  }
}

}  // namespace

bool is_key(const std::string& key) { return key.size() >= 8 && key.size() <= 128 && is_hex(key); }

void check_key(const std::string& key) {
  if (!is_key(key)) {
    throw Error("'" + key + "' is no object key: expected 8 to 128 lower-case hexadecimal characters");
  }
}

std::string object_folder(const std::string& root, const std::string& key) {
  return root + "/objects/" + key.substr(0, 2) + "/" + key.substr(2);
}

std::string seal_manifest(json& manifest) {
  manifest["manifest_sha256"] = digest_of(manifest);
  return manifest.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json read_manifest(const std::string& root, const std::string& key) {
  const std::string folder = object_folder(root, key);
  const std::string path = folder + "/" + kManifestName;
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    if (errno != ENOENT) throw_system_error("read", folder, errno);
    throw Error("the store '" + root + "' has no object " + key);
  }
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) damaged(path, "is missing");

  json manifest = json::parse(read_file(path), nullptr, false);
  if (!manifest.is_object()) damaged(path, "is not JSON");
  const auto digest = manifest.find("manifest_sha256");
  if (digest == manifest.end() || *digest != digest_of(manifest)) damaged(path, "does not match its digest");
  try {
    if (manifest.at("key") != key) damaged(path, "belongs to another key");
    object_info(manifest);
    for (const auto& [name, file] : manifest.at("files").items()) {
      check_size(folder + "/" + name, file.at("bytes").get<std::int64_t>());
    }
  } catch (const json::exception& e) {
    damaged(path, std::string("lacks a field: ") + e.what());
  }
  return manifest;
}

bool is_whole(const std::string& root, const std::string& key) {
  if (!exists(object_folder(root, key))) return false;
  try {
    read_manifest(root, key);
    return true;
  } catch (const DamagedObject&) {
    return false;
  }
}

ObjectInfo object_info(const json& manifest) {
  ObjectInfo info{manifest.at("key"), manifest.at("kind"), 0, manifest.at("created")};
  for (const auto& file : manifest.at("files")) info.bytes += file.at("bytes").get<std::int64_t>();
  return info;
}

std::int64_t folder_bytes(const std::string& folder) {
  std::int64_t bytes = 0;
  for (const std::string& name : list_directory(folder)) {
    const std::string path = folder + "/" + name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) continue;
    bytes += S_ISDIR(status.st_mode) ? folder_bytes(path) : static_cast<std::int64_t>(status.st_size);
  }
  return bytes;
}

std::vector<Shard> list_shards(const std::string& root) {
  std::vector<Shard> shards;
  for (const std::string& name : list_directory(root + "/objects")) {
    struct stat status {};
    if (name.size() != 2 || !is_hex(name)) continue;
    if (::stat((root + "/objects/" + name).c_str(), &status) != 0) continue;
    shards.push_back({name, status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec});
  }
  return shards;
}

std::vector<std::string> list_shard(const std::string& root, const std::string& shard) {
  std::vector<std::string> keys;
  for (const std::string& name : list_directory(root + "/objects/" + shard)) {
    if (is_key(shard + name)) keys.push_back(shard + name);
  }
  return keys;
}

}  // namespace w2s
