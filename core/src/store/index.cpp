#include "store/index.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <thread>
#include <tuple>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "store/answer_bits.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kVersion = 3;
constexpr int kPatienceMs = 5000;
constexpr const char* kIndexedProvenance[] = {"code", "torch", "device"};

/// The file is there and cannot be trusted: it is to be replaced.
struct DamagedIndex {};

std::string index_path(const std::string& root) { return root + "/index.sqlite"; }

// ---- comparing the folders with what is known of them

struct Row {
  ObjectInfo info;
  std::string record, answers;  // of records only, else empty
};

struct Changes {
  std::vector<Row> found;
  std::vector<std::string> gone;
  std::map<std::string, std::int64_t> shards;  // folders looked at; 0: look again next time
  std::vector<std::string> gone_shards;
  bool empty() const { return found.empty() && gone.empty() && shards.empty() && gone_shards.empty(); }
};

using ShardTimes = std::map<std::string, std::int64_t>;
using KeysOfShard = std::function<std::vector<std::string>(const std::string& shard)>;

Row make_row(const std::string& root, const json& manifest) {
  Row row{object_info(manifest), "", ""};
  if (row.info.kind != "record") return row;
  json record = manifest.value("record", json::object());
  if (const auto provenance = record.find("provenance");
      provenance != record.end() && provenance->is_object()) {
    json compared = json::object();
    for (const char* name : kIndexedProvenance) {
      if (const auto it = provenance->find(name); it != provenance->end()) compared[name] = *it;
    }
    *provenance = std::move(compared);
  }
  row.record = record.dump();
  row.answers = read_answer_bits(manifest, object_folder(root, row.info.key));
  return row;
}

Row read_row(const std::string& root, const std::string& key) {
  return make_row(root, read_manifest(root, key));
}

/// A folder's time says nothing about changes that came within its clock's grain of our look.
std::int64_t settled_time(std::int64_t changed) {
  constexpr std::int64_t grain = 2'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return changed < now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec - grain ? changed : 0;
}

Changes compare(const std::string& root, const ShardTimes& known, const KeysOfShard& keys_of,
                std::vector<std::string>* damaged = nullptr) {
  Changes changes;
  std::set<std::string> present;
  for (const Shard& shard : list_shards(root)) {
    present.insert(shard.name);
    const auto time = known.find(shard.name);
    if (time != known.end() && time->second == shard.changed) continue;
    const std::vector<std::string> there = list_shard(root, shard.name);
    const std::vector<std::string> indexed = keys_of(shard.name);
    std::vector<std::string> fresh, missing;
    std::set_difference(there.begin(), there.end(), indexed.begin(), indexed.end(),
                        std::back_inserter(fresh));
    std::set_difference(indexed.begin(), indexed.end(), there.begin(), there.end(),
                        std::back_inserter(missing));
    for (const std::string& key : fresh) {
      try {
        changes.found.push_back(read_row(root, key));
      } catch (const Error&) {
        if (damaged != nullptr) damaged->push_back(key);
      }
    }
    for (std::string& key : missing) {
      if (!exists(object_folder(root, key))) changes.gone.push_back(std::move(key));
    }
    const std::int64_t settled = settled_time(shard.changed);
    if (settled != 0 || time == known.end() || !fresh.empty() || !missing.empty()) {
      changes.shards[shard.name] = settled;
    }
  }
  for (const auto& [name, time] : known) {
    if (present.count(name) > 0) continue;
    changes.gone_shards.push_back(name);
    for (std::string& key : keys_of(name)) changes.gone.push_back(std::move(key));
  }
  return changes;
}

// ---- the database

bool on_network(const std::string& path) {
  struct statfs status {};
  if (::statfs(path.c_str(), &status) != 0) return true;
  switch (static_cast<unsigned long>(status.f_type) & 0xffffffffUL) {
    case 0x6969UL:      // NFS
    case 0x517bUL:      // SMB
    case 0xff534d42UL:  // CIFS
    case 0xfe534d42UL:  // SMB2
    case 0x0bd00bd0UL:  // Lustre
    case 0x47504653UL:  // GPFS
    case 0x19830326UL:  // BeeGFS
    case 0x00c36400UL:  // Ceph
    case 0x01021997UL:  // 9p
    case 0x65735546UL:  // FUSE
    case 0x5346414fUL:  // AFS
      return true;
    default:
      return false;
  }
}

bool means_damage(const SQLite::Exception& e) {
  switch (e.getErrorCode()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // a table or column that should be there is not
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
      return true;
    default:
      return false;
  }
}

/// Users of the index hold this shared, who replaces the file holds it alone.
class IndexGuard {
 public:
  IndexGuard(const std::string& root, int mode) {
    file_ = Descriptor(::open((root + "/locks/index").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (file_.valid()) {
      if (::flock(file_.get(), mode | LOCK_NB) == 0) {
        held_ = true;
        return;
      }
      if ((errno != EWOULDBLOCK && errno != EINTR) || std::chrono::steady_clock::now() > end) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  bool held() const { return held_; }

 private:
  Descriptor file_;
  bool held_ = false;
};

SQLite::Database open_for_writing(const std::string& root) {
  SQLite::Database db(index_path(root), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kPatienceMs);
  const char* journal = on_network(root) ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL";
  try {
    SQLite::Statement(db, journal).executeStep();
  } catch (const SQLite::Exception& e) {
    if (e.getErrorCode() != SQLITE_BUSY) throw;  // in use: it keeps its mode
  }
  db.exec("PRAGMA synchronous = NORMAL");
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  if (version == kVersion) return db;
  if (version != 0) throw DamagedIndex();
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  db.exec(
      "CREATE TABLE IF NOT EXISTS objects(key TEXT PRIMARY KEY, kind TEXT NOT NULL, bytes INTEGER NOT NULL,"
      " created INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS records(key TEXT PRIMARY KEY, created INTEGER NOT NULL,"
      " record TEXT NOT NULL, answers BLOB NOT NULL);"
      "CREATE TABLE IF NOT EXISTS shards(name TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID;"
      "PRAGMA user_version = " +
      std::to_string(kVersion));
  transaction.commit();
  return db;
}

/// Removes the index file of this inode (0: whichever there is); false where that cannot be done.
bool discard(const std::string& root, ino_t inode) {
  const std::string path = index_path(root);
  const IndexGuard guard(root, LOCK_EX);
  if (!guard.held()) return false;
  struct stat now {};
  if (::stat(path.c_str(), &now) == 0 && inode != 0 && now.st_ino != inode)
    return true;  // another replaced it
  for (const char* suffix : {"-journal", "-wal", "-shm", ""}) {
    if (::unlink((path + suffix).c_str()) != 0 && errno != ENOENT) return false;
  }
  return true;
}

/// Runs `action` on the index, replacing a damaged one first. False where there is no using it.
bool use(const std::string& root, const std::function<void(SQLite::Database&)>& action) {
  const std::string path = index_path(root);
  for (int attempt = 0; attempt < 2; ++attempt) {
    struct stat seen {};
    try {
      const IndexGuard guard(root, LOCK_SH);
      if (!guard.held()) return false;
      ::stat(path.c_str(), &seen);
      SQLite::Database db = open_for_writing(root);
      ::stat(path.c_str(), &seen);
      action(db);
      return true;
    } catch (const SQLite::Exception& e) {
      if (!means_damage(e)) return false;
    } catch (const DamagedIndex&) {
    }
    if (!discard(root, seen.st_ino)) return false;
  }
  return false;
}

void insert(SQLite::Database& db, const std::vector<Row>& rows) {
  SQLite::Statement object(db, "INSERT OR REPLACE INTO objects VALUES(?, ?, ?, ?)");
  SQLite::Statement record(db, "INSERT OR REPLACE INTO records VALUES(?, ?, ?, ?)");
  SQLite::Statement shard(db, "INSERT OR IGNORE INTO shards VALUES(?, 0)");
  for (const auto& [info, text, answers] : rows) {
    object.bind(1, info.key);
    object.bind(2, info.kind);
    object.bind(3, info.bytes);
    object.bind(4, info.created);
    object.exec();
    object.reset();
    shard.bind(1, info.key.substr(0, 2));
    shard.exec();
    shard.reset();
    if (text.empty()) continue;
    record.bind(1, info.key);
    record.bind(2, info.created);
    record.bind(3, text);
    record.bind(4, answers.data(), static_cast<int>(answers.size()));
    record.exec();
    record.reset();
  }
}

void erase(SQLite::Database& db, const std::vector<std::string>& keys) {
  for (const char* statement : {"DELETE FROM objects WHERE key = ?", "DELETE FROM records WHERE key = ?"}) {
    SQLite::Statement remove(db, statement);
    for (const std::string& key : keys) {
      remove.bind(1, key);
      remove.exec();
      remove.reset();
    }
  }
}

ShardTimes shard_times(SQLite::Database& db) {
  ShardTimes times;
  SQLite::Statement rows(db, "SELECT name, changed FROM shards");
  while (rows.executeStep()) times[rows.getColumn(0).getString()] = rows.getColumn(1).getInt64();
  return times;
}

void apply(SQLite::Database& db, const Changes& changes) {
  if (changes.empty()) return;
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  insert(db, changes.found);
  erase(db, changes.gone);
  SQLite::Statement set(db, "INSERT OR REPLACE INTO shards VALUES(?, ?)");
  for (const auto& [name, changed] : changes.shards) {
    set.bind(1, name);
    set.bind(2, changed);
    set.exec();
    set.reset();
  }
  SQLite::Statement drop(db, "DELETE FROM shards WHERE name = ?");
  for (const std::string& name : changes.gone_shards) {
    drop.bind(1, name);
    drop.exec();
    drop.reset();
  }
  transaction.commit();
}

/// Brings the index up to the objects.
void catch_up(SQLite::Database& db, const std::string& root) {
  SQLite::Statement keys(db, "SELECT key FROM objects WHERE key >= ? AND key < ? ORDER BY key");
  apply(db, compare(root, shard_times(db), [&](const std::string& shard) {
          keys.reset();
          keys.bind(1, shard);
          keys.bind(2, shard + "g");  // past every hexadecimal digit
          std::vector<std::string> found;
          while (keys.executeStep()) found.push_back(keys.getColumn(0).getString());
          return found;
        }));
}

std::vector<ObjectInfo> load_objects(SQLite::Database& db, const char* order) {
  std::vector<ObjectInfo> objects;
  SQLite::Statement rows(db, std::string("SELECT key, kind, bytes, created FROM objects ORDER BY ") + order);
  while (rows.executeStep()) {
    objects.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString(),
                       rows.getColumn(2).getInt64(), rows.getColumn(3).getInt64()});
  }
  return objects;
}

/// By created and key, each moved once. Here and not in SQL: SQLite would sort all bytes along with the keys,
/// on disk.
void sort_records(std::vector<StoredRecord>& records) {
  struct Place {
    std::int64_t created;
    std::array<unsigned char, 8> beginning;  // of the key: it seldom takes more to tell two apart
    std::size_t record;
  };
  std::vector<Place> order;
  order.reserve(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    Place& place = order.emplace_back(Place{records[i].created, {}, i});
    const std::string& key = records[i].key;
    std::copy_n(key.begin(), std::min(key.size(), place.beginning.size()), place.beginning.begin());
  }
  std::sort(order.begin(), order.end(), [&](const Place& a, const Place& b) {
    return std::tie(a.created, a.beginning, records[a.record].key) <
           std::tie(b.created, b.beginning, records[b.record].key);
  });
  std::vector<StoredRecord> sorted;
  sorted.reserve(records.size());
  for (const Place& place : order) sorted.push_back(std::move(records[place.record]));
  records = std::move(sorted);
}

/// Those of the rows `first` … `last`.
std::vector<StoredRecord> load_rows(SQLite::Database& db, std::int64_t first, std::int64_t last,
                                    const WantedKey& wanted) {
  std::vector<StoredRecord> records;
  SQLite::Statement query(db,
                          "SELECT created, key, record, answers FROM records WHERE rowid BETWEEN ? AND ?");
  query.bind(1, first);
  query.bind(2, last);
  while (query.executeStep()) {
    std::string key = query.getColumn(1).getString();
    if (wanted && !wanted(key)) continue;
    records.push_back({query.getColumn(0).getInt64(), std::move(key), query.getColumn(2).getString(),
                       query.getColumn(3).getString()});
  }
  return records;
}

std::vector<StoredRecord> load_records(SQLite::Database& db, const WantedKey& wanted) {
  std::vector<StoredRecord> records = load_rows(db, 0, std::numeric_limits<std::int64_t>::max(), wanted);
  sort_records(records);
  return records;
}

/// The same through several connections at once.
std::vector<StoredRecord> load_records_in_parts(const std::function<SQLite::Database()>& open,
                                                const WantedKey& wanted) {
  constexpr std::int64_t kParts = 16, kLeast = 1000;
  const std::int64_t last = open().execAndGet("SELECT ifnull(max(rowid), 0) FROM records").getInt64();
  const std::int64_t rows = std::max(kLeast, last / kParts + 1);
  std::vector<std::vector<StoredRecord>> parts(static_cast<std::size_t>(last / rows + 1));
  parallel_for(parts.size(), 1, [&](std::size_t i) {
    SQLite::Database db = open();
    const auto first = static_cast<std::int64_t>(i) * rows;
    parts[i] = load_rows(db, first, first + rows - 1, wanted);
  });
  std::vector<StoredRecord> records = std::move(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i)
    records.insert(records.end(), std::make_move_iterator(parts[i].begin()),
                   std::make_move_iterator(parts[i].end()));
  sort_records(records);
  return records;
}

// ---- reading without writing

/// What the index says, or nothing where it is absent, damaged or being written.
struct Snapshot {
  std::vector<ObjectInfo> objects;  // sorted by key
  std::vector<StoredRecord> records;
  ShardTimes shards;
};

enum class Part { objects, records, both };

Snapshot read_snapshot(const std::string& root, Part part, const WantedKey& wanted = {}) {
  const std::string path = index_path(root);
  // Opened as immutable, SQLite neither locks nor looks at journals: a change while we read,
  // or an unfinished transaction, makes what was read worthless.
  const auto state = [&] {
    struct stat status {};
    const bool settled = ::stat((path + "-wal").c_str(), &status) != 0 || status.st_size == 0;
    const bool there = ::stat(path.c_str(), &status) == 0 && !exists(path + "-journal") && settled;
    return std::tuple(there, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  };
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    if (c == '?' || c == '#' || c == '%') {
      static const char* digits = "0123456789ABCDEF";
      uri += {'%', digits[c >> 4], digits[c & 15]};
    } else {
      uri += c;
    }
  }
  const bool local = !on_network(root);
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto before = state();
    if (!std::get<0>(before)) {
      if (!exists(path)) return {};
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    try {
      const auto open = [&] {
        SQLite::Database db(uri + "?mode=ro&immutable=1", SQLite::OPEN_READONLY | SQLite::OPEN_URI);
        if (local) db.exec("PRAGMA mmap_size = 2147483648");  // no copy of every page
        return db;
      };
      SQLite::Database db = open();
      if (db.execAndGet("PRAGMA user_version").getInt() != kVersion) return {};
      Snapshot snapshot;
      if (part != Part::records) snapshot.objects = load_objects(db, "key");
      if (part != Part::objects) snapshot.records = load_records_in_parts(open, wanted);
      snapshot.shards = shard_times(db);
      if (state() == before) return snapshot;
    } catch (const SQLite::Exception&) {
      if (state() == before) return {};
    }
  }
  return {};
}

/// No folder of objects has changed since the index was made.
bool is_up_to_date(const Snapshot& snapshot, const std::string& root) {
  const std::vector<Shard> shards = list_shards(root);
  return shards.size() == snapshot.shards.size() &&
         std::all_of(shards.begin(), shards.end(), [&](const Shard& shard) {
           const auto known = snapshot.shards.find(shard.name);
           return known != snapshot.shards.end() && known->second == shard.changed;
         });
}

/// Removes from and adds to a snapshot what the folders say.
void bring_up_to_date(Snapshot& snapshot, const std::string& root, const WantedKey& wanted = {}) {
  auto by_key = [](const ObjectInfo& info, const std::string& key) { return info.key < key; };
  Changes changes = compare(root, snapshot.shards, [&](const std::string& shard) {
    std::vector<std::string> keys;
    auto i = std::lower_bound(snapshot.objects.begin(), snapshot.objects.end(), shard, by_key);
    for (; i != snapshot.objects.end() && i->key.compare(0, 2, shard) == 0; ++i) keys.push_back(i->key);
    return keys;
  });
  if (!changes.gone.empty()) {
    const std::set<std::string> gone(changes.gone.begin(), changes.gone.end());
    std::erase_if(snapshot.objects, [&](const ObjectInfo& info) { return gone.count(info.key) > 0; });
    std::erase_if(snapshot.records, [&](const StoredRecord& record) { return gone.count(record.key) > 0; });
  }
  for (Row& row : changes.found) {
    if (!row.record.empty() && (!wanted || wanted(row.info.key)))
      snapshot.records.push_back(
          {row.info.created, row.info.key, std::move(row.record), std::move(row.answers)});
    snapshot.objects.push_back(std::move(row.info));
  }
  std::sort(snapshot.objects.begin(), snapshot.objects.end(), [](const ObjectInfo& a, const ObjectInfo& b) {
    return std::tie(a.created, a.key) < std::tie(b.created, b.key);
  });
  if (!changes.found.empty()) sort_records(snapshot.records);
}

}  // namespace

void Index::add(const json& manifest) const {
  const Row row = make_row(root_, manifest);
  use(root_, [&](SQLite::Database& db) {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    insert(db, {row});
    transaction.commit();
  });
}

void Index::remove(const std::vector<std::string>& keys) const {
  if (keys.empty()) return;
  use(root_, [&](SQLite::Database& db) {
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    erase(db, keys);
    transaction.commit();
  });
}

std::vector<ObjectInfo> Index::objects() const {
  std::vector<ObjectInfo> objects;
  if (!read_only_ && use(root_, [&](SQLite::Database& db) {
        catch_up(db, root_);
        objects = load_objects(db, "created, key");
      })) {
    return objects;
  }
  Snapshot snapshot = read_snapshot(root_, Part::objects);
  bring_up_to_date(snapshot, root_);
  return std::move(snapshot.objects);
}

std::vector<StoredRecord> Index::records(const WantedKey& wanted) const {
  std::vector<StoredRecord> records;
  if (!read_only_ && use(root_, [&](SQLite::Database& db) {
        catch_up(db, root_);
        records = load_records(db, wanted);
      })) {
    return records;
  }
  Snapshot snapshot = read_snapshot(root_, Part::records, wanted);
  if (is_up_to_date(snapshot, root_)) return std::move(snapshot.records);
  snapshot = read_snapshot(root_, Part::both, wanted);
  bring_up_to_date(snapshot, root_, wanted);
  return std::move(snapshot.records);
}

std::int64_t Index::rebuild(std::vector<std::string>* damaged) const {
  const Changes changes = compare(
      root_, {}, [](const std::string&) { return std::vector<std::string>(); }, damaged);
  const bool written = discard(root_, 0) && use(root_, [&](SQLite::Database& db) { apply(db, changes); });
  if (!written)
    throw Error("cannot write '" + index_path(root_) + "': it is locked, read-only or its disk is full");
  return static_cast<std::int64_t>(changes.found.size());
}

}  // namespace w2s
