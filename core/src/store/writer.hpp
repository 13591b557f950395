// Inside of ObjectWriter, and the folder for objects being written.
//
//   <root>/tmp/KEY.HOST.PID.N/      the object so far
//   <root>/tmp/KEY.HOST.PID.N.lock  held with flock while its writer lives
#pragma once

#include <string>

#include "store/file_lock.hpp"
#include "store/store.hpp"

namespace w2s {

/// A folder below <root>/tmp that is this process's own; removed with all that is in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder(const std::string& root, const std::string& key);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::optional<FileLock> lock_;
};

/// Removes what is in <root>/tmp and has lost its writer, unless `dry_run`. Returns the bytes of it.
std::int64_t sweep_temporaries(const std::string& root, bool dry_run);

struct ObjectWriter::Impl {
  Impl(std::string root, std::string key, std::string kind);
  std::string root, key, kind;
  TemporaryFolder folder;
  nlohmann::json manifest = nlohmann::json::object();
  bool committed = false;
};

}  // namespace w2s
