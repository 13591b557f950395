// Store: content-addressed results on disk, free of LibTorch.
//
//   <root>/objects/ab/cdef…/   manifest.json and payload files; immutable once there
//   <root>/tmp/                objects being written; swept when their writer is gone
//   <root>/locks/KEY           held with flock while KEY is being computed
//   <root>/checkpoints/KEY/    partial work of a fit; removed when the object lands
//   <root>/index.sqlite        an index of manifests; rebuilt from the objects at any time
//   <root>/experiments/NAME/   resolved experiment and the keys of its records
//
// An object appears by one rename after its files and folder are synced: a crash
// at any moment leaves either the whole object or none of it.
// All members may be called from several processes at once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <w2s/error.hpp>

namespace w2s {

class FileLock;
class Lockstep;
class ObjectWriter;

/// What the index knows of one object.
struct ObjectInfo {
  std::string key, kind;  // kind: "pretrain", "fit", "features", "predictions", "record"
  std::int64_t bytes = 0;
  std::int64_t created = 0;  // seconds since 1970
};

/// What the index keeps of an object of kind "record", so that listing many opens none of them.
struct StoredRecord {
  std::int64_t created = 0;
  std::string key;
  std::string json;     // the manifest's "record"; of its provenance "code", "torch" and "device" only
  std::string answers;  // which test examples are right (answer_bits.hpp)
};

class Store {
 public:
  /// Opens or creates. Throws Error where the folder cannot be made or written ("read-only", "disk full").
  explicit Store(std::string root);
  /// Opens for reading only; never writes, not even the index. Throws UsageError where there is no store.
  static Store read_only(std::string root);
  ~Store();
  Store(Store&&) noexcept;

  /// From now on this process goes in step with others over this store (lockstep.hpp): what the leader finds
  /// holds for all, put() writes in its process alone. `others` must outlive the store.
  void go_in_lockstep(Lockstep& others);
  /// False in the processes that go in step with a leader.
  bool leads() const;

  const std::string& root() const;
  bool has(const std::string& key) const;
  /// Folder of a present object.
  std::string path(const std::string& key) const;
  /// Throws Error where absent or damaged.
  nlohmann::json manifest(const std::string& key) const;

  /// Starts an object in <root>/tmp. The manifest gets "key", "kind", "created", and every file's size and
  /// SHA-256.
  ObjectWriter begin(const std::string& key, const std::string& kind);
  /// Starts an object, has it filled and commits it. Nothing where another process leads.
  void put(const std::string& key, const std::string& kind, const std::function<void(ObjectWriter&)>& fill);

  /// Writes an object anew under its key: `fill` finds its files and manifest and changes them. Readers see
  /// the old object or the new one. For what follows from the object's own files by other code than before;
  /// nothing else of an object ever changes. Nothing where another process leads. Throws Error where it is
  /// absent.
  void replace(const std::string& key, const std::function<void(ObjectWriter&)>& fill);

  /// Runs `compute` unless the object is there, holding the key's lock: of two processes
  /// that want one key, one computes and the other waits (calling `waiting` about once a second)
  /// and then finds it. The lock ends with its holder, however that dies. Returns true where this call
  /// computed it. Of processes in step the leader looks, and all compute or none does; they return when the
  /// object is there.
  bool once(const std::string& key, const std::function<void()>& compute,
            const std::function<void()>& waiting = {});

  /// The lock under which once() computes this key, where nobody holds it: for work on several keys at once.
  /// What was done before the lock was taken shows in has().
  std::optional<FileLock> try_lock(const std::string& key);

  /// Folder for a fit's partial work, not made; and made if absent, what writers left unfinished there
  /// removed.
  std::string checkpoint_path(const std::string& key) const;
  std::string checkpoint_folder(const std::string& key);
  void drop_checkpoint(const std::string& key);

  /// Objects by kind, from the index (which catches up with the objects folder first where it is behind).
  std::vector<ObjectInfo> list(const std::string& kind = "") const;
  /// All records, or those whose key is `wanted`, newest last, from the index.
  std::vector<StoredRecord> records(const std::function<bool(const std::string& key)>& wanted = {}) const;

  /// Rebuilds the index from the objects; returns how many it found. Damaged objects are
  /// named in `damaged` and left where they are.
  std::int64_t reindex(std::vector<std::string>* damaged = nullptr);
  /// Removes objects that `keep` does not hold, stale temporaries and orphaned checkpoints; returns bytes
  /// freed.
  std::int64_t gc(const std::function<bool(const ObjectInfo&)>& keep, bool dry_run,
                  const std::function<void(const ObjectInfo&)>& removed = {});
  /// Checks sizes and digests of one object; throws Error naming the file.
  void verify(const std::string& key) const;

 private:
  friend class ObjectWriter;
  struct Impl;
  bool once_in_lockstep(const std::string& key, const std::function<void()>& compute,
                        const std::function<void()>& waiting);
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// An object being written. Dropped without commit(), it leaves nothing.
class ObjectWriter {
 public:
  ~ObjectWriter();
  ObjectWriter(ObjectWriter&&) noexcept;
  /// Where to put payload files: plain files, no sub-folders.
  const std::string& folder() const;
  nlohmann::json& manifest();
  /// Syncs, renames, indexes. Where another writer was first, its object stays and this one is dropped.
  void commit();

 private:
  friend class Store;
  struct Impl;
  /// Puts it in the place of the object that is there.
  void commit_instead();
  nlohmann::json& sealed();
  explicit ObjectWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace w2s
