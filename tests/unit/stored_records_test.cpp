// Records as an index gives them: whole enough for a leaderboard, without a look into their folders.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "report/collection.hpp"
#include "report/ledger.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

class StoredRecords : public testing::Test {
 protected:
  StoredRecords() {
    std::string path = (fs::temp_directory_path() / "w2s-records-XXXXXX").string();
    root_ = mkdtemp(path.data());
  }
  ~StoredRecords() override { fs::remove_all(root_); }

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

  std::string root_;
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
