#include "store/writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>
#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "store/index.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string temporary_path(const std::string& root, const std::string& key) {
  static std::atomic<unsigned> counter{0};
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return root + "/tmp/" + key + "." + host + "." + std::to_string(::getpid()) + "." +
         std::to_string(counter++);
}

/// Sizes and digests of the payload, which is synced on the way.
json describe_files(const std::string& folder) {
  json files = json::object();
  for (const std::string& name : list_directory(folder)) {
    const std::string path = folder + "/" + name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw_system_error("read", path, errno);
    if (!S_ISREG(status.st_mode)) throw Error("an object holds plain files only, '" + path + "' is none");
    if (name == kManifestName) throw Error("'" + path + "': the manifest is written by the store");
    sync_file(path);
    files[name] = {{"bytes", static_cast<std::int64_t>(status.st_size)}, {"sha256", sha256_file(path)}};
  }
  return files;
}

/// Puts `folder` in the object's place unless a whole object is there. False where one was.
bool move_into_place(const std::string& folder, const std::string& root, const std::string& key) {
  const std::string target = object_folder(root, key);
  make_directories(parent_directory(target));
  while (::rename(folder.c_str(), target.c_str()) != 0) {
    const int code = errno;
    if (code == ENOENT && exists(folder)) {  // the last object of this shard was just removed with it
      make_directories(parent_directory(target));
      continue;
    }
    if (code != EEXIST && code != ENOTEMPTY) throw_system_error("write", target, code);
    if (is_whole(root, key)) return false;
    const TemporaryFolder aside(root, key);
    if (::rename(target.c_str(), (aside.path() + "/damaged").c_str()) != 0 && errno != ENOENT) {
      throw_system_error("replace", target, errno);
    }
  }
  sync_directory(parent_directory(target));
  return true;
}

/// Puts `folder` in the object's place and the object in that of the folder. File systems that cannot
/// exchange two names have a moment between in which the object is absent.
void exchange(const std::string& folder, const std::string& root, const std::string& key) {
  const std::string target = object_folder(root, key);
  if (::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) throw_system_error("replace", target, errno);
    const TemporaryFolder aside(root, key);
    if (::rename(target.c_str(), (aside.path() + "/replaced").c_str()) != 0)
      throw_system_error("replace", target, errno);
    if (::rename(folder.c_str(), target.c_str()) != 0) throw_system_error("replace", target, errno);
  }
  sync_directory(parent_directory(target));
}

}  // namespace

TemporaryFolder::TemporaryFolder(const std::string& root, const std::string& key) {
  do {
    path_ = temporary_path(root, key);
    lock_.reset();
    if (auto lock = FileLock::try_acquire(path_ + ".lock")) lock_.emplace(std::move(*lock));
  } while (!lock_ || exists(path_));
  if (::mkdir(path_.c_str(), 0777) != 0) throw_system_error("make folder", path_, errno);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::int64_t sweep_temporaries(const std::string& root, bool dry_run) {
  std::set<std::string> paths;  // of folders, also of those that only their lock is left of
  for (const std::string& name : list_directory(root + "/tmp")) {
    paths.insert(root + "/tmp/" + (name.ends_with(".lock") ? name.substr(0, name.size() - 5) : name));
  }
  std::int64_t bytes = 0;
  for (const std::string& path : paths) {
    const auto lock = FileLock::try_acquire(path + ".lock");
    if (!lock || !exists(path)) continue;
    bytes += folder_bytes(path);
    std::error_code ignored;
    if (!dry_run) fs::remove_all(path, ignored);
  }
  return bytes;
}

ObjectWriter::Impl::Impl(std::string root_, std::string key_, std::string kind_)
    : root(std::move(root_)), key(std::move(key_)), kind(std::move(kind_)), folder(root, key) {}

ObjectWriter::ObjectWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObjectWriter::~ObjectWriter() = default;
ObjectWriter::ObjectWriter(ObjectWriter&&) noexcept = default;

const std::string& ObjectWriter::folder() const { return impl_->folder.path(); }
json& ObjectWriter::manifest() { return impl_->manifest; }

// The manifest as it will lie there, written into the folder.
json& ObjectWriter::sealed() {
  Impl& self = *impl_;
  if (self.committed) throw Error("object " + self.key + " is committed already");
  if (!self.manifest.is_object()) throw Error("object " + self.key + ": its manifest is no JSON object");
  const std::string folder = self.folder.path();
  self.manifest["key"] = self.key;
  self.manifest["kind"] = self.kind;
  self.manifest["files"] = describe_files(folder);
  if (!self.manifest.contains("created")) {
    self.manifest["created"] = static_cast<std::int64_t>(std::time(nullptr));
    self.manifest["format"] = kStoreFormat;
  }
  write_file_atomically(folder + "/" + kManifestName, seal_manifest(self.manifest));
  self.committed = true;
  return self.manifest;
}

void ObjectWriter::commit() {
  const json& manifest = sealed();
  if (move_into_place(impl_->folder.path(), impl_->root, impl_->key)) Index(impl_->root, false).add(manifest);
}

void ObjectWriter::commit_instead() {
  const json& manifest = sealed();
  exchange(impl_->folder.path(), impl_->root, impl_->key);
  Index(impl_->root, false).add(manifest);
}

}  // namespace w2s
