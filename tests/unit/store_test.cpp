#include "store/store.hpp"
#include "base/scratch_folder.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "store/file_lock.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string key_of(int i) { return sha256(std::to_string(i)); }

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Runs `body` in a child process; returns its exit status, or minus the signal that ended it.
int in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (...) {
      ::_exit(99);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void put(Store& store, const std::string& key, const std::string& payload, const std::string& kind = "fit") {
  ObjectWriter writer = store.begin(key, kind);
  std::ofstream(writer.folder() + "/payload") << payload;
  writer.manifest()["record"] = {{"payload", payload}};
  writer.commit();
}

void flip_byte(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(0);
  file.put(byte);
}

std::set<std::string> tree(const std::string& root) {
  std::set<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    paths.insert(entry.path().string() + " " +
                 std::to_string(fs::last_write_time(entry).time_since_epoch().count()));
  }
  return paths;
}

bool keep_all(const ObjectInfo&) { return true; }

class StoreTest : public testing::Test {
 protected:
  std::string object(const std::string& key) const {
    return root_ + "/objects/" + key.substr(0, 2) + "/" + key.substr(2);
  }
  std::size_t temporaries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(root_ + "/tmp"), fs::directory_iterator()));
  }

  const ScratchFolder scratch_{"w2s-store-"};
  const std::string folder_ = scratch_.path(), root_ = scratch_ / "runs";
};

TEST_F(StoreTest, KeepsAnObjectWithItsManifest) {
  Store store(root_);
  const std::string key = key_of(1);
  EXPECT_FALSE(store.has(key));
  put(store, key, "hello");
  EXPECT_TRUE(store.has(key));
  EXPECT_EQ(store.path(key), object(key));
  EXPECT_EQ(read_file(store.path(key) + "/payload"), "hello");
  const json manifest = store.manifest(key);
  EXPECT_EQ(manifest.at("key"), key);
  EXPECT_EQ(manifest.at("kind"), "fit");
  EXPECT_GT(manifest.at("created").get<std::int64_t>(), 1'600'000'000);
  EXPECT_EQ(manifest.at("files").at("payload").at("bytes"), 5);
  // printf hello | sha256sum
  EXPECT_EQ(manifest.at("files").at("payload").at("sha256"),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(manifest.at("record").at("payload"), "hello");
  store.verify(key);
  EXPECT_EQ(temporaries(), 0u);
}

TEST_F(StoreTest, RefusesWhatIsNoKey) {
  Store store(root_);
  for (const std::string key : {"", "abc", "../../../etc", "ABCDEF0123", "abcdef01/", "zzzzzzzzzz"}) {
    EXPECT_THROW(store.has(key), Error) << key;
    EXPECT_THROW(store.begin(key, "fit"), Error) << key;
    EXPECT_THROW(store.checkpoint_folder(key), Error) << key;
  }
}

TEST_F(StoreTest, AnAbsentObjectIsAnErrorThatNamesTheKey) {
  Store store(root_);
  EXPECT_TRUE(contains(message_of([&] { store.manifest(key_of(1)); }), key_of(1)));
  EXPECT_THROW(store.path(key_of(1)), Error);
}

TEST_F(StoreTest, AWriterThatIsDroppedLeavesNothing) {
  Store store(root_);
  {
    ObjectWriter writer = store.begin(key_of(1), "fit");
    std::ofstream(writer.folder() + "/payload") << "half";
  }
  EXPECT_FALSE(store.has(key_of(1)));
  EXPECT_EQ(temporaries(), 0u);
}

TEST_F(StoreTest, TheFirstOfTwoWritersStays) {
  Store store(root_);
  ObjectWriter late = store.begin(key_of(1), "fit");
  std::ofstream(late.folder() + "/payload") << "second";
  put(store, key_of(1), "first");
  late.commit();
  EXPECT_EQ(read_file(store.path(key_of(1)) + "/payload"), "first");
  EXPECT_THROW(late.commit(), Error);
}

TEST_F(StoreTest, AnObjectHoldsPlainFilesOnly) {
  Store store(root_);
  ObjectWriter writer = store.begin(key_of(1), "fit");
  fs::create_directory(writer.folder() + "/nested");
  EXPECT_TRUE(contains(message_of([&] { writer.commit(); }), "nested"));
  EXPECT_FALSE(store.has(key_of(1)));
}

TEST_F(StoreTest, ManifestsKeepTheirDigestThroughOddContents) {
  Store store(root_);
  ObjectWriter writer = store.begin(key_of(1), "fit");
  writer.manifest()["odd"] = {{"nan", std::nan("")}, {"tiny", 5e-324},           {"third", 1.0 / 3},
                              {"one", 1.0},          {"big", ~std::uint64_t{0}}, {"bytes", "\xff\xfe"},
                              {"umlaut", "ä"}};
  writer.commit();
  const json odd = store.manifest(key_of(1)).at("odd");
  EXPECT_TRUE(odd.at("nan").is_null());
  EXPECT_EQ(odd.at("third"), 1.0 / 3);
  EXPECT_EQ(odd.at("umlaut"), "ä");
}

TEST_F(StoreTest, VerifyNamesTheFileWithAFlippedByte) {
  Store store(root_);
  put(store, key_of(1), "hello");
  flip_byte(object(key_of(1)) + "/payload");
  EXPECT_TRUE(contains(message_of([&] { store.verify(key_of(1)); }), "payload"));
}

TEST_F(StoreTest, ADamagedObjectIsNotThereAndIsReplaced) {
  Store store(root_);
  const std::vector<std::function<void(const std::string&)>> damages{
      [](const std::string& folder) { fs::resize_file(folder + "/payload", 2); },
      [](const std::string& folder) { fs::remove(folder + "/payload"); },
      [](const std::string& folder) { fs::remove(folder + "/manifest.json"); },
      [](const std::string& folder) { fs::resize_file(folder + "/manifest.json", 30); },
      [](const std::string& folder) {
        std::string text = read_file(folder + "/manifest.json");
        text.replace(text.find("hello"), 5, "jello");
        std::ofstream(folder + "/manifest.json") << text;
      }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    const std::string key = key_of(static_cast<int>(i));
    put(store, key, "hello");
    damages[i](object(key));
    EXPECT_FALSE(store.has(key));
    EXPECT_TRUE(contains(message_of([&] { store.manifest(key); }), "damaged object"));
    EXPECT_TRUE(store.once(key, [&] { put(store, key, "again"); }));
    EXPECT_EQ(read_file(store.path(key) + "/payload"), "again");
  }
  EXPECT_EQ(temporaries(), 0u);
}

TEST_F(StoreTest, ListsByKindAndRecordsWithoutTheirLongestTexts) {
  Store store(root_);
  put(store, key_of(1), "a");
  const json provenance = {{"code", "c"}, {"experiment", "name = 1"}, {"plugins", {{"loss/x", "d"}}}};
  for (const int i : {2, 3}) {
    ObjectWriter writer = store.begin(key_of(i), "record");
    writer.manifest()["record"] = {{"seed", i}, {"provenance", provenance}};
    writer.commit();
  }
  EXPECT_EQ(store.list().size(), 3u);
  const auto fits = store.list("fit");
  ASSERT_EQ(fits.size(), 1u);
  EXPECT_EQ(fits[0].key, key_of(1));
  EXPECT_EQ(fits[0].bytes, 1);
  const auto records = store.records();
  ASSERT_EQ(records.size(), 2u);
  for (const StoredRecord& record : records) {
    json expected = store.manifest(record.key).at("record");
    expected["provenance"] = {{"code", "c"}};
    EXPECT_EQ(json::parse(record.json), expected);
  }
}

TEST_F(StoreTest, FindsObjectsThatWereNeverIndexed) {
  Store store(root_);
  put(store, key_of(1), "a", "record");
  EXPECT_EQ(store.records().size(), 1u);
  fs::copy(root_ + "/index.sqlite", folder_ + "/older");
  put(store, key_of(2), "b", "record");
  fs::rename(folder_ + "/older", root_ + "/index.sqlite");  // as if it died between the rename and the index
  EXPECT_EQ(store.list().size(), 2u);
  EXPECT_EQ(store.records().size(), 2u);
}

TEST_F(StoreTest, FindsUnindexedObjectsInFoldersThatHaveSettled) {
  Store store(root_);
  put(store, key_of(1), "a");
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  const std::string shard = fs::path(object(key_of(1))).parent_path().string();
  fs::last_write_time(shard, long_ago);
  EXPECT_EQ(store.list().size(), 1u);

  const std::string sibling = key_of(1).substr(0, 2) + key_of(2).substr(2);
  fs::copy(root_ + "/index.sqlite", folder_ + "/older");
  put(store, sibling, "b");
  fs::last_write_time(shard, long_ago + std::chrono::minutes(1));
  fs::rename(folder_ + "/older", root_ + "/index.sqlite");
  EXPECT_EQ(store.list().size(), 2u);
}

TEST_F(StoreTest, ForgetsObjectsThatWereRemovedByHand) {
  Store store(root_);
  put(store, key_of(1), "a");
  put(store, key_of(2), "b");
  fs::remove_all(object(key_of(1)));
  EXPECT_EQ(store.list().size(), 1u);
  fs::remove_all(root_ + "/objects/" + key_of(2).substr(0, 2));
  EXPECT_EQ(store.list().size(), 0u);
}

TEST_F(StoreTest, RebuildsAnIndexThatIsGoneOrDamaged) {
  Store store(root_);
  for (int i = 0; i < 20; ++i) put(store, key_of(i), std::to_string(i), i % 2 ? "record" : "fit");
  const std::string index = root_ + "/index.sqlite";
  const std::string good = read_file(index);
  ASSERT_GT(good.size(), 8192u);
  std::vector<std::string> bad{"",
                               "not a database, but long enough to be taken for one" + std::string(5000, 'x'),
                               good.substr(0, good.size() / 2), good.substr(0, 4096), good.substr(0, 100)};
  for (std::size_t page = 0; page + 4096 <= good.size(); page += 4096) {
    std::string scrambled = good;
    std::fill_n(scrambled.begin() + static_cast<std::ptrdiff_t>(page), 4096, '\x5a');
    bad.push_back(scrambled);
  }
  for (std::size_t i = 0; i < bad.size(); ++i) {
    SCOPED_TRACE(i);
    std::ofstream(index, std::ios::binary) << bad[i];
    EXPECT_EQ(store.list().size(), 20u);
    EXPECT_EQ(store.records().size(), 10u);
    EXPECT_EQ(Store::read_only(root_).records().size(), 10u);
    std::ofstream(index, std::ios::binary) << bad[i];
    EXPECT_EQ(Store::read_only(root_).list().size(), 20u);
    put(store, key_of(0), "0");
    EXPECT_EQ(store.list().size(), 20u);
  }
  fs::remove(index);
  EXPECT_EQ(store.list().size(), 20u);
}

TEST_F(StoreTest, WorksWithoutAnIndexThatCannotBeUsed) {
  Store store(root_);
  fs::create_directory(root_ + "/index.sqlite");
  put(store, key_of(1), "a", "record");
  EXPECT_EQ(store.list().size(), 1u);
  EXPECT_EQ(store.records().size(), 1u);
  EXPECT_TRUE(contains(message_of([&] { store.reindex(); }), "index.sqlite"));
}

TEST_F(StoreTest, ReindexCountsObjectsAndNamesTheDamaged) {
  Store store(root_);
  for (int i = 0; i < 5; ++i) put(store, key_of(i), "x");
  fs::resize_file(object(key_of(3)) + "/payload", 0);
  std::vector<std::string> damaged;
  EXPECT_EQ(store.reindex(&damaged), 4);
  EXPECT_EQ(damaged, std::vector<std::string>{key_of(3)});
  EXPECT_TRUE(fs::exists(object(key_of(3))));
  EXPECT_EQ(store.list().size(), 4u);
}

TEST_F(StoreTest, AReadOnlyStoreWritesNothing) {
  EXPECT_THROW(Store::read_only(root_), UsageError);
  {
    Store store(root_);
    put(store, key_of(1), "a", "record");
    store.list();
    fs::copy(root_ + "/index.sqlite", folder_ + "/older");
    put(store, key_of(2), "b", "record");
  }
  for (const std::string state : {"current", "behind", "absent"}) {
    SCOPED_TRACE(state);
    if (state == "behind") fs::rename(folder_ + "/older", root_ + "/index.sqlite");
    if (state == "absent") fs::remove(root_ + "/index.sqlite");
    const auto before = tree(root_);
    Store store = Store::read_only(root_);
    EXPECT_EQ(store.list().size(), 2u);
    EXPECT_EQ(store.records().size(), 2u);
    store.verify(key_of(1));
    EXPECT_FALSE(store.once(key_of(1), [] {}));
    EXPECT_THROW(store.once(key_of(3), [] {}), Error);
    EXPECT_THROW(store.begin(key_of(3), "fit"), Error);
    EXPECT_THROW(store.checkpoint_folder(key_of(3)), Error);
    EXPECT_THROW(store.reindex(), Error);
    EXPECT_THROW(store.gc(keep_all, false), Error);
    EXPECT_EQ(tree(root_), before);
  }
}

TEST_F(StoreTest, OneOfTwoProcessesComputesAndTheOtherWaits) {
  Store store(root_);
  int computing[2], release[2];
  ASSERT_EQ(::pipe(computing) | ::pipe(release), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(release[1]);
    store.once(key_of(1), [&] {
      char byte = 1;
      if (::write(computing[1], &byte, 1) != 1 || ::read(release[0], &byte, 1) != 1) ::_exit(1);
      put(store, key_of(1), "by the child");
    });
    ::_exit(0);
  }
  char byte = 1;
  ASSERT_EQ(::read(computing[0], &byte, 1), 1);
  int waited = 0;
  const bool computed = store.once(
      key_of(1), [] { ADD_FAILURE() << "computed twice"; },
      [&] {
        if (waited++ == 0) {
          EXPECT_EQ(::write(release[1], &byte, 1), 1);
        }
      });
  EXPECT_FALSE(computed);
  EXPECT_GE(waited, 1);
  EXPECT_EQ(read_file(store.path(key_of(1)) + "/payload"), "by the child");
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  for (const int fd : {computing[0], computing[1], release[0], release[1]}) ::close(fd);
}

TEST_F(StoreTest, ManyProcessesComputeEachKeyOnce) {
  Store store(root_);
  std::vector<pid_t> children;
  for (int p = 0; p < 6; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < 15; ++i) {
        store.once(key_of(i), [&] {
          std::ofstream(folder_ + "/log", std::ios::app) << i << std::endl;
          put(store, key_of(i), std::to_string(i), "record");
        });
      }
      ::_exit(store.records().size() == 15 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const std::string log = read_file(folder_ + "/log");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 15);
  EXPECT_EQ(store.records().size(), 15u);
}

TEST_F(StoreTest, ALockEndsWithItsHolder) {
  Store store(root_);
  EXPECT_EQ(in_child([&] { store.once(key_of(1), [] { ::raise(SIGKILL); }); }), -SIGKILL);
  EXPECT_TRUE(store.once(key_of(1), [&] { put(store, key_of(1), "a"); }));
}

TEST_F(StoreTest, AComputationThatThrowsLeavesTheKeyFree) {
  Store store(root_);
  EXPECT_THROW(store.once(key_of(1), [] { throw Error("diverged"); }), Error);
  EXPECT_TRUE(store.once(key_of(1), [&] { put(store, key_of(1), "a"); }));
  EXPECT_FALSE(store.once(key_of(1), [] { FAIL(); }));
}

TEST_F(StoreTest, AWriterKilledBeforeCommitLeavesATemporaryThatIsSwept) {
  Store store(root_);
  EXPECT_EQ(in_child([&] {
              ObjectWriter writer = store.begin(key_of(1), "fit");
              std::ofstream(writer.folder() + "/payload") << "half" << std::flush;
              ::raise(SIGKILL);
            }),
            -SIGKILL);
  EXPECT_GT(temporaries(), 0u);
  ObjectWriter alive = store.begin(key_of(2), "fit");
  Store again(root_);
  EXPECT_FALSE(again.has(key_of(1)));
  EXPECT_TRUE(fs::exists(alive.folder()));
  EXPECT_EQ(temporaries(), 2u);  // the living writer's folder and lock
}

TEST_F(StoreTest, KilledAtAnyMomentObjectsAreWholeOrAbsent) {
  Store store(root_);
  for (int round = 0; round < 60; ++round) {
    const int status = in_child([&] {
      const itimerval timer{{0, 0}, {0, 1000 + round * 730}};
      ::setitimer(ITIMER_REAL, &timer, nullptr);  // SIGALRM ends the process where it stands
      for (int i = 0;; ++i)
        put(store, key_of(round * 100000 + i), std::string(3000, 'x'), i % 2 ? "record" : "fit");
    });
    ASSERT_EQ(status, -SIGALRM);
  }
  std::size_t objects = 0, records = 0;
  for (const auto& shard : fs::directory_iterator(root_ + "/objects")) {
    for (const auto& entry : fs::directory_iterator(shard)) {
      const std::string key = shard.path().filename().string() + entry.path().filename().string();
      EXPECT_NO_THROW(store.verify(key));
      ++objects;
      records += store.manifest(key).at("kind") == "record" ? 1 : 0;
    }
  }
  EXPECT_GT(objects, 0u);
  EXPECT_EQ(Store::read_only(root_).list().size(), objects);
  EXPECT_EQ(store.list().size(), objects);
  EXPECT_EQ(store.records().size(), records);
  Store swept(root_);
  EXPECT_EQ(temporaries(), 0u);
}

TEST_F(StoreTest, CheckpointsStayUntilDropped) {
  Store store(root_);
  const std::string folder = store.checkpoint_folder(key_of(1));
  std::ofstream(folder + "/state") << "x";
  EXPECT_EQ(store.checkpoint_folder(key_of(1)), folder);
  EXPECT_TRUE(fs::exists(folder + "/state"));
  EXPECT_EQ(in_child([&] {
              AtomicFile file(folder + "/state");
              file.write("half of a newer state");
              ::raise(SIGKILL);
            }),
            -SIGKILL);
  store.checkpoint_folder(key_of(1));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
  store.drop_checkpoint(key_of(1));
  EXPECT_FALSE(fs::exists(folder));
  store.drop_checkpoint(key_of(1));
}

TEST_F(StoreTest, GcRemovesWhatIsNotKeptAndOrphans) {
  Store store(root_);
  for (int i = 0; i < 4; ++i) put(store, key_of(i), std::string(100, 'x'));
  std::ofstream(store.checkpoint_folder(key_of(0)) + "/state") << "done already";  // 12 bytes
  std::ofstream(store.checkpoint_folder(key_of(10)) + "/state") << "to resume";
  std::ofstream(store.checkpoint_folder(key_of(11)) + "/state") << "unwanted";  // 8 bytes
  std::ofstream(store.checkpoint_folder(key_of(12)) + "/state") << "being computed";
  const auto busy = FileLock::try_acquire(root_ + "/locks/" + key_of(12));
  in_child([&] {
    ObjectWriter writer = store.begin(key_of(20), "fit");
    std::ofstream(writer.folder() + "/payload") << std::string(1000, 'x') << std::flush;
    ::_exit(0);
  });

  const auto keep = [&](const ObjectInfo& info) {
    return info.key == key_of(0) || info.key == key_of(1) || info.key == key_of(10);
  };
  std::vector<std::string> removed;
  const auto note = [&](const ObjectInfo& info) { removed.push_back(info.key); };
  EXPECT_EQ(store.gc(keep, true, note), 2 * 100 + 12 + 8 + 1000);
  EXPECT_EQ(removed.size(), 4u);
  EXPECT_EQ(store.list().size(), 4u);
  EXPECT_EQ(store.gc(keep, false), 2 * 100 + 12 + 8 + 1000);
  EXPECT_EQ(store.list().size(), 2u);
  EXPECT_FALSE(store.has(key_of(3)));
  EXPECT_EQ(temporaries(), 0u);
  for (const auto& [i, there] : {std::pair(0, false), {10, true}, {11, false}, {12, true}}) {
    EXPECT_EQ(fs::exists(root_ + "/checkpoints/" + key_of(i)), there) << i;
  }
  EXPECT_EQ(store.gc(keep, false), 0);
}

TEST_F(StoreTest, AFolderThatCannotBeMadeIsAClearError) {
  std::ofstream(folder_ + "/file") << "x";
  const std::string message = message_of([&] { Store store(folder_ + "/file/runs"); });
  EXPECT_TRUE(contains(message, folder_ + "/file")) << message;
  EXPECT_TRUE(contains(message, "Not a directory")) << message;
}

/// Mounts below a private mount namespace, which ends with the process.
bool mount_privately(const char* type, const std::string& source, const std::string& target,
                     unsigned long flags, const char* options) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(source.c_str(), target.c_str(), type, flags, options) == 0;
}
constexpr int kNoMount = 77;

TEST_F(StoreTest, AReadOnlyFileSystemIsAClearErrorAndStillReadable) {
  {
    Store store(root_);
    put(store, key_of(1), "a", "record");
  }
  const int status = in_child([&] {
    if (!mount_privately(nullptr, root_, root_, MS_BIND, nullptr) ||
        ::mount("none", root_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      ::_exit(kNoMount);
    }
    const std::string message = message_of([&] { Store store(root_); });
    if (!contains(message, root_) || !contains(message, "Read-only file system")) ::_exit(1);
    Store store = Store::read_only(root_);
    if (store.list().size() != 1 || store.records().size() != 1) ::_exit(2);
  });
  if (status == kNoMount) GTEST_SKIP() << "mounting is not permitted";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, AFullDiskIsAClearErrorAndLeavesNothingHalfWritten) {
  fs::create_directories(root_);
  const int status = in_child([&] {
    if (!mount_privately("tmpfs", "tmpfs", root_, 0, "size=1m")) ::_exit(kNoMount);
    Store store(root_);
    int stored = 0;
    const std::string message = message_of([&] {
      for (;; ++stored) {
        ObjectWriter writer = store.begin(key_of(stored), "record");
        write_file_atomically(writer.folder() + "/payload", std::string(20000, 'x'));
        writer.commit();
      }
    });
    if (!contains(message, root_) || !contains(message, "No space left on device")) ::_exit(1);
    if (stored < 10 || store.list().size() < static_cast<std::size_t>(stored)) ::_exit(2);
    for (int i = 0; i < stored; ++i) store.verify(key_of(i));
    if (store.has(key_of(stored)) || temporaries() != 0) ::_exit(3);
    std::ofstream fill(root_ + "/fill");
    while (fill << std::string(512, 'x') << std::flush) {
    }
    if (store.records().size() != static_cast<std::size_t>(stored)) ::_exit(4);
    if (!contains(message_of([&] { Store another(root_); }), "No space left on device")) ::_exit(5);
  });
  if (status == kNoMount) GTEST_SKIP() << "mounting is not permitted";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, AFileTooLargeForItsLimitIsAClearError) {
  Store store(root_);
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10000, 10000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ObjectWriter writer = store.begin(key_of(1), "fit");
    const std::string path = writer.folder() + "/payload";
    const std::string message = message_of([&] { write_file_atomically(path, std::string(20000, 'x')); });
    if (!contains(message, path) || !contains(message, "File too large") || fs::exists(path)) ::_exit(1);
    put(store, key_of(2), "small");  // the index may not grow, the object counts
    if (!store.has(key_of(2)) || store.list().size() != 1) ::_exit(2);
  });
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, AnAtomicFileReplacesOrLeavesTheOld) {
  const std::string path = folder_ + "/file";
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(read_file(path), "old");
  write_file_atomically(path, "new");
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace w2s
