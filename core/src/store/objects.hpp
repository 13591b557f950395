// The objects folder: where an object lies, and whether it is whole.
//
//   objects/ab/cdef…/manifest.json   {"key", "kind", "created", "format", "files": {NAME: {"bytes",
//   "sha256"}},
//                                     "manifest_sha256", and the writer's own fields}
//
// manifest_sha256 is the digest of the manifest's compact JSON without that field.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace w2s {

/// An object's folder is there, its contents are not what was committed.
class DamagedObject : public Error {
 public:
  using Error::Error;
};

inline constexpr const char* kManifestName = "manifest.json";

/// Version of the form of objects, in the manifest's "format" and in <root>/format.json. 1, which is not
/// written: before recipes; its objects are read (tables, report, show, export), and no key of this version
/// asks for them. 2: a manifest holds the recipe whose digest is the key.
inline constexpr int kStoreFormat = 2;

/// Throws Error unless `key` is 8 to 128 lower-case hexadecimal characters.
void check_key(const std::string& key);
bool is_key(const std::string& key);

std::string object_folder(const std::string& root, const std::string& key);

/// The manifest as it is written: reserved fields and digest filled in.
std::string seal_manifest(nlohmann::json& manifest);

/// Reads and checks the manifest and the sizes of the files. Throws DamagedObject naming the file, and
/// Error where there is no such object.
nlohmann::json read_manifest(const std::string& root, const std::string& key);

/// False where the object is absent or damaged; throws Error where that cannot be told.
bool is_whole(const std::string& root, const std::string& key);

/// What the index keeps of an object whose manifest is at hand.
ObjectInfo object_info(const nlohmann::json& manifest);

/// Bytes in all files below `folder`.
std::int64_t folder_bytes(const std::string& folder);

struct Shard {
  std::string name;          // "ab"
  std::int64_t changed = 0;  // modification time of the folder in ns since 1970
};
/// The shard folders, sorted by name. Throws Error where the objects folder cannot be read.
std::vector<Shard> list_shards(const std::string& root);
/// Keys of the objects of one shard, sorted; empty where the folder is gone.
std::vector<std::string> list_shard(const std::string& root, const std::string& shard);

}  // namespace w2s
