// Records as an index gives them: whole enough for a leaderboard, without a look into their folders.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

#include <gtest/gtest.h>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "base/scratch_folder.hpp"
#include "report/leaderboard_json.hpp"
#include "results/collection.hpp"
#include "results/ledger.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

class StoredRecords : public testing::Test {
 protected:
  /// Two seeds of floor, ceiling and student on 21 examples, the first `right` of each correct.
  void fill() {
    Store store(root_);
    std::vector<LedgerEntry> ledger;
    for (std::int64_t seed = 0; seed < 2; ++seed) {
      const std::string floor = put(store, ledger, "floor", seed, 6, "", "");
      const std::string ceiling = put(store, ledger, "ceiling", seed, 20, "", "");
      put(store, ledger, "student", seed, 13, floor, ceiling);
    }
    save_ledger(root_, "quick", ledger, {"name = \"quick\"\n"});
  }

  static std::string put(Store& store, std::vector<LedgerEntry>& ledger, const std::string& kind,
                         std::int64_t seed, int right, const std::string& floor, const std::string& ceiling) {
    Record record;
    record.key = sha256(kind + std::to_string(seed));
    record.kind = kind;
    record.task = "task";
    record.protocol = "p";
    record.seed = seed;
    record.method = kind == "student" ? "naive" : "";
    record.floor = floor;
    record.ceiling = ceiling;
    record.tests["test"]["accuracy"] = right / 21.0;
    record.provenance = {{"code", kind}, {"torch", "1.13.1"}, {"device", "cpu"}, {"experiment", "name = 1"}};
    ObjectWriter object = store.begin(record.key, "record");
    std::string correct(21, '\0');
    std::fill_n(correct.begin(), right, '\1');
    std::ofstream(object.folder() + "/test.correct") << correct;
    object.manifest()["record"] = record;
    object.commit();
    ledger.push_back(
        {record.key, kind, "task", "", "", record.method, floor, ceiling, seed, nlohmann::json::object()});
    return record.key;
  }

  nlohmann::json table() const {
    const Collection collection({root_});
    return to_json(make_leaderboard(collection.records(), {}, stored_correctness));
  }

  const ScratchFolder scratch_{"w2s-records-"};
  const std::string root_ = scratch_.path();
};

TEST_F(StoredRecords, KnowWhichAnswersAreRight) {
  fill();
  for (const Record& record : load_records(Store::read_only(root_), {})) {
    const std::vector<std::uint8_t> correct = stored_correctness(record, "test");
    ASSERT_EQ(correct.size(), 21u);
    const int right = record.kind == "floor" ? 6 : record.kind == "ceiling" ? 20 : 13;
    for (int i = 0; i < 21; ++i) EXPECT_EQ(correct[i], i < right) << record.kind << ' ' << i;
    EXPECT_TRUE(stored_correctness(record, "other").empty());
  }
}

TEST_F(StoredRecords, AreReadFromTheIndexAlone) {
  fill();
  const nlohmann::json before = table();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].at("examples"), 21);
  for (const char* kind : {"floor", "ceiling", "student"})
    for (const char* seed : {"0", "1"})
      for (const auto& file : fs::directory_iterator(object_folder(root_, sha256(std::string(kind) + seed))))
        fs::remove(file);
  EXPECT_EQ(table(), before);
}

TEST_F(StoredRecords, AreTheSameWithAndWithoutAnIndex) {
  fill();
  const nlohmann::json before = table();
  fs::remove(root_ + "/index.sqlite");
  EXPECT_EQ(table(), before);
}

TEST_F(StoredRecords, BearTheNamesOfEachExperimentThatListsThem) {
  fill();
  std::vector<LedgerEntry> ledger = load_ledger(root_, "quick");
  ASSERT_EQ(ledger.size(), 6u);
  for (LedgerEntry& entry : ledger) entry.task = "another";
  ledger.insert(ledger.begin() + 1, ledger[0]);
  ledger[1].key = sha256("never computed");
  save_ledger(root_, "slow", ledger, {"name = \"slow\"\n"});
  const Store store = Store::read_only(root_);

  std::size_t missing = 0;
  const std::vector<Record> all = load_records(store, {}, &missing);
  EXPECT_EQ(missing, 1u);
  ASSERT_EQ(all.size(), 12u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].experiment, i < 6 ? "quick" : "slow");
    EXPECT_EQ(all[i].task, i < 6 ? "task" : "another");
    EXPECT_EQ(all[i].key, all[i % 6].key);
    EXPECT_EQ(all[i].tests, all[i % 6].tests);
    EXPECT_EQ(stored_correctness(all[i], "test"), stored_correctness(all[i % 6], "test"));
  }
  const std::vector<Record> slow = load_records(store, {"slow"}, &missing);
  EXPECT_EQ(missing, 1u);
  ASSERT_EQ(slow.size(), 6u);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    EXPECT_EQ(slow[i].key, all[i].key);
    EXPECT_EQ(slow[i].floor, all[i].floor);
    EXPECT_EQ(slow[i].task, "another");
  }
}

TEST_F(StoredRecords, OfALargeIndexAreReadInPartsAndAllAreThere) {
  constexpr int kRecords = 1500;
  Store store(root_);
  for (int i = 0; i < kRecords; ++i) {  // as a store writes them, but for the syncs
    const std::string key = sha256(std::to_string(i)), folder = object_folder(root_, key);
    fs::create_directories(folder);
    nlohmann::json manifest = {{"key", key},
                               {"kind", "record"},
                               {"created", 1000 + i / 100},
                               {"files", nlohmann::json::object()},
                               {"record", {{"key", key}, {"seed", i}}}};
    std::ofstream(folder + "/" + kManifestName) << seal_manifest(manifest);
  }
  ASSERT_EQ(store.reindex(), kRecords);
  const std::vector<StoredRecord> records = Store::read_only(root_).records();
  ASSERT_EQ(records.size(), static_cast<std::size_t>(kRecords));
  std::vector<bool> seen(kRecords, false);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto seed = nlohmann::json::parse(records[i].json).at("seed").get<int>();
    EXPECT_EQ(records[i].key, sha256(std::to_string(seed)));
    seen[seed] = true;
    if (i > 0) {
      EXPECT_LT(std::tie(records[i - 1].created, records[i - 1].key),
                std::tie(records[i].created, records[i].key));
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kRecords);
  const auto some = Store::read_only(root_).records([](const std::string& key) { return key[0] == '7'; });
  EXPECT_EQ(
      static_cast<std::ptrdiff_t>(some.size()),
      std::count_if(records.begin(), records.end(), [](const auto& record) { return record.key[0] == '7'; }));
  EXPECT_EQ(store.records().size(), records.size());
}

TEST_F(StoredRecords, AnswersThatAreNot0sAnd1sAreRefused) {
  fill();
  const std::string folder = object_folder(root_, sha256("student0"));
  const nlohmann::json manifest = read_manifest(root_, sha256("student0"));
  std::ofstream(folder + "/test.correct") << std::string(21, '7');
  EXPECT_THROW(read_answer_bits(manifest, folder), Error);
}

TEST(AnswerBits, ThatAreCutOffAreAnError) {
  EXPECT_THROW(correct_answers(std::string("\4\0\0\0te", 6), "test"), Error);
  EXPECT_TRUE(correct_answers("", "test").empty());
}

}  // namespace
}  // namespace w2s
