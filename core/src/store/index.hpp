// Index: <root>/index.sqlite, a copy of what the manifests say, so that listing
// 100,000 objects opens none of them.
//
//   objects(key, kind, bytes, created)   one row an object
//   records(key, created, record, answers)   StoredRecord of the objects of kind "record"
//   shards(name, changed)                modification time of each shard folder when it was last compared
//
// Before it answers, it compares the folders' times with those that it kept and
// reads only the shards that changed: an object that was renamed in and never
// indexed is found, one that was removed is forgotten. A damaged file is
// replaced; one that cannot be used (locked, read-only, disk full) is passed
// over and the objects are read instead. Holds no open connection between calls.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace w2s {

/// Called from several threads at once.
using WantedKey = std::function<bool(const std::string& key)>;

class Index {
 public:
  /// With `read_only` nothing is written below `root`, not even SQLite's own files.
  Index(std::string root, bool read_only) : root_(std::move(root)), read_only_(read_only) {}

  /// Never throw for the database's sake: the next look at the objects repairs what was missed.
  void add(const nlohmann::json& manifest) const;
  void remove(const std::vector<std::string>& keys) const;

  /// Oldest first.
  std::vector<ObjectInfo> objects() const;
  std::vector<StoredRecord> records(const WantedKey& wanted = {}) const;

  /// Throws Error where the new index cannot be written.
  std::int64_t rebuild(std::vector<std::string>* damaged) const;

 private:
  std::string root_;
  bool read_only_;
};

}  // namespace w2s
