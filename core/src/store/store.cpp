#include "store/store.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "store/file_lock.hpp"
#include "store/index.hpp"
#include "store/lockstep.hpp"
#include "store/objects.hpp"
#include "store/writer.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;

// Of one who waits for a key that another process computes.
constexpr milliseconds kPoll{20}, kReport{1000};

std::string format_file(const std::string& root) { return root + "/format.json"; }

/// What the store says of itself; 1 where it says nothing. Throws UsageError where a later w2s wrote it.
int read_format(const std::string& root) {
  if (!exists(format_file(root))) return 1;
  const json said = json::parse(read_file(format_file(root)), nullptr, false);
  const int format = said.is_object() ? said.value("format", 0) : 0;
  if (format < 1) throw Error("'" + format_file(root) + "' is damaged: expected {\"format\": N}");
  if (format > kStoreFormat) {
    throw UsageError("the store '" + root + "' is of format " + std::to_string(format) +
                     ", and this w2s reads up to " + std::to_string(kStoreFormat) +
                     ": use the w2s that wrote it, or a later one");
  }
  return format;
}

/// Finds out now, not hours into a run, that nothing can be kept here.
void check_writable(const std::string& root) {
  try {
    const TemporaryFolder probe(root, "probe");
    AtomicFile(probe.path() + "/probe").write(std::string(4096, ' '));
  } catch (const Error& e) {
    throw Error("the store '" + root + "' cannot be written to: " + e.what());
  }
}

}  // namespace

struct Store::Impl {
  Impl(std::string root_, bool read_only_)
      : root(std::move(root_)), read_only(read_only_), index(root, read_only) {}

  void must_be_writable() const {
    if (read_only) throw Error("the store '" + root + "' is open for reading only");
  }
  std::string lock_path(const std::string& key) const { return root + "/locks/" + key; }
  std::string checkpoint_path(const std::string& key) const { return root + "/checkpoints/" + key; }

  /// Out of sight by one rename, then removed.
  void remove_folder(const std::string& path, const std::string& key) const {
    const TemporaryFolder aside(root, key);
    if (::rename(path.c_str(), (aside.path() + "/removed").c_str()) != 0 && errno != ENOENT) {
      throw_system_error("remove", path, errno);
    }
  }

  std::int64_t collect_objects(const std::function<bool(const ObjectInfo&)>& keep, bool dry_run,
                               const std::function<void(const ObjectInfo&)>& removed) const;
  std::int64_t collect_checkpoints(const std::function<bool(const ObjectInfo&)>& keep, bool dry_run,
                                   const std::function<void(const ObjectInfo&)>& removed) const;

  std::string root;
  bool read_only;
  Index index;
  Lockstep* others = nullptr;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Store::Store(std::string root) : impl_(std::make_unique<Impl>(std::move(root), false)) {
  for (const char* folder : {"objects", "tmp", "locks", "checkpoints", "experiments"}) {
    make_directories(impl_->root + "/" + folder);
  }
  check_writable(impl_->root);
  if (read_format(impl_->root) < kStoreFormat)
    write_file_atomically(format_file(impl_->root), json{{"format", kStoreFormat}}.dump() + "\n");
  sweep_temporaries(impl_->root, false);
}

Store Store::read_only(std::string root) {
  std::error_code ignored;
  if (!fs::is_directory(root + "/objects", ignored)) {
    throw UsageError("there is no store at '" + root + "' (a store has a folder 'objects')");
  }
  read_format(root);
  return Store(std::make_unique<Impl>(std::move(root), true));
}

void Store::go_in_lockstep(Lockstep& others) { impl_->others = &others; }
bool Store::leads() const { return impl_->others == nullptr || impl_->others->leads(); }

const std::string& Store::root() const { return impl_->root; }

bool Store::has(const std::string& key) const {
  check_key(key);
  return is_whole(impl_->root, key);
}

std::string Store::path(const std::string& key) const {
  manifest(key);
  return object_folder(impl_->root, key);
}

json Store::manifest(const std::string& key) const {
  check_key(key);
  return read_manifest(impl_->root, key);
}

ObjectWriter Store::begin(const std::string& key, const std::string& kind) {
  check_key(key);
  impl_->must_be_writable();
  return ObjectWriter(std::make_unique<ObjectWriter::Impl>(impl_->root, key, kind));
}

void Store::put(const std::string& key, const std::string& kind,
                const std::function<void(ObjectWriter&)>& fill) {
  if (!leads()) return;
  ObjectWriter object = begin(key, kind);
  fill(object);
  object.commit();
}

void Store::replace(const std::string& key, const std::function<void(ObjectWriter&)>& fill) {
  if (!leads()) return;
  json manifest = this->manifest(key);
  ObjectWriter object = begin(key, manifest.at("kind"));
  const std::string folder = object_folder(impl_->root, key);
  for (const auto& [name, file] : manifest.at("files").items())
    fs::copy_file(folder + "/" + name, object.folder() + "/" + name);
  for (const char* reserved : {"files", "manifest_sha256"}) manifest.erase(reserved);
  object.manifest() = std::move(manifest);
  fill(object);
  object.commit_instead();
}

// The leader says what becomes of a key, with the key: a process that asks for another one does not do the
// same.
bool Store::once_in_lockstep(const std::string& key, const std::function<void()>& compute,
                             const std::function<void()>& waiting) {
  Lockstep& others = *impl_->others;
  const auto agreed = [&](const std::string& word) {
    const std::string said = others.broadcast(word + key);
    if (said.size() != key.size() + 1 || said.substr(1) != key) {
      throw Error("the processes of a team do not do the same: this one wants " + key + ", the leader said " +
                  said + ". Do all run the same w2s with the same plugins, experiment file and data?");
    }
    return said[0];
  };
  const auto wait_until_seen = [&] {  // a network file system may show a new object late
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!has(key)) {
      if (std::chrono::steady_clock::now() > end) {
        throw Error("this process does not see what the leader of its team wrote into '" + impl_->root +
                    "': a team needs one store that all its processes see");
      }
      std::this_thread::sleep_for(kPoll);
    }
  };
  milliseconds until_report{0};
  while (true) {
    std::optional<FileLock> lock;
    std::string word = "f";
    if (others.leads() && !has(key)) {
      if (auto held = FileLock::try_acquire(impl_->lock_path(key))) lock.emplace(std::move(*held));
      word = !lock ? "w" : has(key) ? "f" : "c";
    }
    const char found = agreed(word);
    if (found == 'w') {
      if (until_report <= milliseconds{0}) {
        if (waiting) waiting();
        until_report = kReport;
      }
      std::this_thread::sleep_for(kPoll);
      until_report -= kPoll;
      continue;
    }
    if (found == 'c') {
      compute();
      agreed("d");
    }
    wait_until_seen();
    return found == 'c';
  }
}

bool Store::once(const std::string& key, const std::function<void()>& compute,
                 const std::function<void()>& waiting) {
  if (impl_->others != nullptr) return once_in_lockstep(key, compute, waiting);
  if (has(key)) return false;
  impl_->must_be_writable();
  milliseconds until_report{0};
  while (true) {
    if (const auto lock = FileLock::try_acquire(impl_->lock_path(key))) {
      if (has(key)) return false;
      compute();
      return true;
    }
    if (until_report <= milliseconds{0}) {
      if (waiting) waiting();
      until_report = kReport;
    }
    std::this_thread::sleep_for(kPoll);
    until_report -= kPoll;
  }
}

std::optional<FileLock> Store::try_lock(const std::string& key) {
  check_key(key);
  impl_->must_be_writable();
  return FileLock::try_acquire(impl_->lock_path(key));
}

std::string Store::checkpoint_path(const std::string& key) const {
  check_key(key);
  return impl_->checkpoint_path(key);
}

std::string Store::checkpoint_folder(const std::string& key) {
  check_key(key);
  impl_->must_be_writable();
  const std::string folder = impl_->checkpoint_path(key);
  make_directories(folder);
  remove_stale_temporaries(folder);
  return folder;
}

void Store::drop_checkpoint(const std::string& key) {
  check_key(key);
  impl_->must_be_writable();
  if (!leads()) return;
  if (const std::string folder = impl_->checkpoint_path(key); exists(folder))
    impl_->remove_folder(folder, key);
}

std::vector<ObjectInfo> Store::list(const std::string& kind) const {
  std::vector<ObjectInfo> objects = impl_->index.objects();
  if (!kind.empty()) std::erase_if(objects, [&](const ObjectInfo& info) { return info.kind != kind; });
  return objects;
}

std::vector<StoredRecord> Store::records(const std::function<bool(const std::string&)>& wanted) const {
  return impl_->index.records(wanted);
}

std::int64_t Store::reindex(std::vector<std::string>* damaged) {
  impl_->must_be_writable();
  return impl_->index.rebuild(damaged);
}

void Store::verify(const std::string& key) const {
  const json files = manifest(key).at("files");
  const std::string folder = object_folder(impl_->root, key);
  for (const std::string& name : list_directory(folder)) {
    const std::string path = folder + "/" + name;
    if (name == kManifestName) continue;
    const auto file = files.find(name);
    if (file == files.end()) throw DamagedObject("damaged object: '" + path + "' is not in its manifest");
    if (file->at("sha256") != sha256_file(path)) {
      throw DamagedObject("damaged object: '" + path + "' does not match its SHA-256");
    }
  }
}

std::int64_t Store::Impl::collect_objects(const std::function<bool(const ObjectInfo&)>& keep, bool dry_run,
                                          const std::function<void(const ObjectInfo&)>& removed) const {
  std::int64_t bytes = 0;
  std::vector<std::string> keys;
  for (const ObjectInfo& info : index.objects()) {
    if (keep(info)) continue;
    if (!dry_run) {
      remove_folder(object_folder(root, info.key), info.key);
      keys.push_back(info.key);
    }
    bytes += info.bytes;
    if (removed) removed(info);
  }
  index.remove(keys);
  return bytes;
}

std::int64_t Store::Impl::collect_checkpoints(const std::function<bool(const ObjectInfo&)>& keep,
                                              bool dry_run,
                                              const std::function<void(const ObjectInfo&)>& removed) const {
  std::int64_t bytes = 0;
  for (const std::string& key : list_directory(root + "/checkpoints")) {
    if (!is_key(key)) continue;
    const auto lock = FileLock::try_acquire(lock_path(key));
    const std::string folder = checkpoint_path(key);
    if (!lock || !exists(folder)) continue;
    const ObjectInfo info{key, "checkpoint", folder_bytes(folder), 0};
    if (!is_whole(root, key) && keep(info)) continue;
    if (!dry_run) remove_folder(folder, key);
    bytes += info.bytes;
    if (removed) removed(info);
  }
  return bytes;
}

std::int64_t Store::gc(const std::function<bool(const ObjectInfo&)>& keep, bool dry_run,
                       const std::function<void(const ObjectInfo&)>& removed) {
  impl_->must_be_writable();
  return impl_->collect_objects(keep, dry_run, removed) + impl_->collect_checkpoints(keep, dry_run, removed) +
         sweep_temporaries(impl_->root, dry_run);
}

}  // namespace w2s
