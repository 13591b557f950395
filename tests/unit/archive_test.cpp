// Hostile archives are made of tar headers by hand (POSIX.1-1988), independent of the library that reads
// them.
#include "results/archive.hpp"
#include "base/scratch_folder.hpp"
#include "report/leaderboard.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "report/leaderboard.hpp"
#include "results/collection.hpp"
#include "results/ledger.hpp"
#include "results/measures.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

using Members = std::map<std::string, std::string>;

std::string octal(std::size_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 3) text[i] = static_cast<char>('0' + (value & 7));
  return text;
}

/// One entry of a tar file. `size` is what the header says.
std::string tar_entry(const std::string& name, const std::string& bytes, char type = '0',
                      const std::string& link = "", std::optional<std::size_t> size = {}) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(size.value_or(bytes.size()), 11));
  put(136, octal(0, 11));
  put(148, "        ");
  put(156, std::string(1, type));
  put(157, link);
  put(257, std::string("ustar\00000", 8));
  std::size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  const std::size_t padding = (512 - bytes.size() % 512) % 512;
  return header + bytes + std::string(padding, '\0');
}

const std::string kTarEnd(1024, '\0');

json contents_of(const Members& members) {
  json listed = json::object();
  for (const auto& [name, bytes] : members)
    listed[name] = {{"bytes", bytes.size()}, {"sha256", sha256(bytes)}};
  return {{"format", "w2s records"},
          {"version", 1},
          {"from", "a test"},
          {"exported", "2026-01-01T00:00:00Z"},
          {"w2s", "0"},
          {"experiments", {"quick"}},
          {"records", json::array()},
          {"members", listed}};
}

std::string tar_of(const json& contents, const Members& members) {
  std::string tar = tar_entry("contents.json", contents.dump());
  for (const auto& [name, bytes] : members) tar += tar_entry(name, bytes);
  return tar + kTarEnd;
}

class Archive : public testing::Test {
 protected:
  Archive() { fill(); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  /// Two classes, three examples.
  static Probabilities probabilities(double sure) {
    const auto p = static_cast<float>(sure);
    return {p, 1 - p, 1 - p, p, p, 1 - p};
  }
  static inline const Labels kLabels = {0, 1, 1};

  static std::string predictions(double sure) {
    const Probabilities p = probabilities(sure);
    const json header = {
        {"test.labels", {{"dtype", "I64"}, {"shape", {3}}, {"data_offsets", {0, 24}}}},
        {"test.probabilities", {{"dtype", "F32"}, {"shape", {3, 2}}, {"data_offsets", {24, 48}}}}};
    const std::string text = header.dump();
    const std::uint64_t length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), 8) + text +
           std::string(reinterpret_cast<const char*>(kLabels.data()), 24) +
           std::string(reinterpret_cast<const char*>(p.data()), 24);
  }

  /// An experiment of one seed: floor, ceiling, student.
  void fill() {
    Store store(path("runs"));
    std::vector<LedgerEntry> ledger;
    for (const char* kind : {"floor", "ceiling", "student"}) {
      Record record;
      record.key = sha256(kind);
      record.kind = kind;
      record.experiment = "quick";
      record.task = "task";
      record.protocol = "p";
      record.weak = "weak";
      record.strong = "strong";
      if (record.kind == "student") {
        record.method = "naive";
        record.floor = sha256("floor");
        record.ceiling = sha256("ceiling");
      }
      const double sure = record.kind == "floor" ? 0.6 : 0.9;
      record.tests["test"] = prediction_measures(probabilities(sure), kLabels, 2);
      record.provenance = {{"experiment", "name = \"quick\"\n"}, {"torch", "1.13.1"}, {"device", "cpu"}};
      ObjectWriter object = store.begin(record.key, "record");
      object.manifest()["record"] = record;
      std::ofstream(object.folder() + "/predictions.safetensors", std::ios::binary) << predictions(sure);
      std::ofstream(object.folder() + "/test.correct", std::ios::binary) << std::string("\1\1\0", 3);
      object.commit();
      ledger.push_back({record.key, kind, "task", record.weak, record.strong, record.method, record.floor,
                        record.ceiling, 0, json::object()});
    }
    save_ledger(path("runs"), "quick", ledger, {"name = \"quick\"\n"});
  }

  std::string student_folder() const { return object_folder(path("runs"), sha256("student")); }
  static std::string member(const std::string& file) { return "records/" + sha256("student") + "/" + file; }

  /// What an archive of the experiment has.
  Members sound_members() const {
    Members members;
    for (const char* kind : {"floor", "ceiling", "student"}) {
      const std::string folder = object_folder(path("runs"), sha256(kind));
      for (const std::string& file : list_directory(folder))
        members["records/" + sha256(kind) + "/" + file] = read_file(folder + "/" + file);
    }
    for (const char* file : {"quick.json", "quick.toml"})
      members[std::string("experiments/") + file] = read_file(path("runs/experiments/") + file);
    return members;
  }

  /// The student's manifest, changed and sealed anew, with the digests of the other members.
  static void reseal(Members& members, const std::function<void(json& manifest)>& change) {
    json manifest = json::parse(members.at(member("manifest.json")));
    manifest.erase("manifest_sha256");
    change(manifest);
    members[member("manifest.json")] = seal_manifest(manifest);
  }

  std::vector<std::string> files_below(const std::string& folder) const {
    std::vector<std::string> files;
    for (const auto& item : fs::recursive_directory_iterator(folder)) files.push_back(item.path().string());
    std::sort(files.begin(), files.end());
    return files;
  }

  /// The message of the refusal. Neither a new store nor one that is there holds anything of it.
  std::string refusal(const std::string& archive, const ImportLimits& limits = {}) const {
    std::string message;
    const Store store(path("there"));
    const auto before = files_below(folder_);
    for (const char* root : {"there", "new"}) {
      try {
        import_records(archive, path(root), "alice", limits);
        ADD_FAILURE() << "was taken";
      } catch (const UsageError& error) {
        message = error.what();
      }
    }
    EXPECT_EQ(files_below(folder_), before);
    EXPECT_FALSE(fs::exists(fs::path(folder_).parent_path() / "evil"));
    return message;
  }
  std::string refusal_of(const std::string& tar, const ImportLimits& limits = {}) const {
    return refusal(write("hostile.tar", tar), limits);
  }
  /// Of an archive with one more member, which is listed.
  std::string refusal_with(const std::string& name, char type = '0', const std::string& link = "") const {
    Members members = sound_members();
    std::string tar = tar_of(contents_of(members), members);
    tar.resize(tar.size() - kTarEnd.size());
    json contents = contents_of(members);
    contents["members"][name] = {{"bytes", 0}, {"sha256", sha256("")}};
    const std::size_t old = tar_entry("contents.json", contents_of(members).dump()).size();
    return refusal_of(tar_entry("contents.json", contents.dump()) + tar.substr(old) +
                      tar_entry(name, "", type, link) + kTarEnd);
  }

  const ScratchFolder scratch_{"w2s-archive-"};
  const std::string folder_ = scratch_.path();
};

TEST_F(Archive, ArrivesAsItWasSentAndKeepsItsOrigin) {
  const ArchiveSummary sent =
      export_records(Store::read_only(path("runs")), {}, "bob", path("quick.tar.zst"));
  EXPECT_EQ(sent.records, 3u);
  EXPECT_EQ(sent.sha256, sha256_file(path("quick.tar.zst")));
  const ArchiveSummary got = import_records(path("quick.tar.zst"), path("mine"), "alice");
  EXPECT_EQ(got.records, 3u);
  EXPECT_EQ(got.verified, 3u);
  EXPECT_EQ(got.sha256, sent.sha256);

  const Store imported = Store::read_only(path("mine/imports/alice"));
  for (const ObjectInfo& object : imported.list()) {
    imported.verify(object.key);
    for (const char* file : {"manifest.json", "predictions.safetensors", "test.correct"})
      EXPECT_EQ(read_file(imported.path(object.key) + "/" + file),
                read_file(object_folder(path("runs"), object.key) + "/" + file));
  }
  const Collection collection({path("mine")});
  const auto imports = collection.imports();
  ASSERT_EQ(imports.size(), 1u);
  EXPECT_EQ(imports[0].about.at("from"), "bob");
  EXPECT_EQ(imports[0].about.at("archive_sha256"), sent.sha256);
  EXPECT_EQ(imports[0].about.at("archive"), "quick.tar.zst");
}

TEST_F(Archive, ImportedRowsStandBesideTheOnesComputedHereAndNeverInThem) {
  export_records(Store::read_only(path("runs")), {"quick"}, "", path("quick.tar.zst"));
  import_records(path("quick.tar.zst"), path("runs"), "alice");
  const Collection collection({path("runs")});
  const Leaderboard board = make_leaderboard(collection.records(), {}, stored_correctness);
  ASSERT_EQ(board.rows.size(), 2u);
  EXPECT_NE(board.rows[0].imported, board.rows[1].imported);
  for (const Row& row : board.rows) {
    EXPECT_EQ(row.origin, row.imported ? "alice" : "");
    EXPECT_EQ(row.student.seeds, 1u);
    EXPECT_NEAR(row.student.value, 2.0 / 3.0, 1e-12);
  }
  // The import does not count as done here.
  EXPECT_EQ(Store::read_only(path("runs")).list("record").size(), 3u);
}

TEST_F(Archive, TheSameMembersWrittenByHandAreTaken) {
  const Members members = sound_members();
  EXPECT_EQ(
      import_records(write("hand.tar", tar_of(contents_of(members), members)), path("new"), "hand").records,
      3u);
}

TEST_F(Archive, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../evil", "/evil", "records/../../evil", "experiments/../../evil.json",
                           "experiments/./quick.toml", "records//evil", "experiments/..\\evil.json",
                           "experiments/a\nb.json", "evil", "experiments/.hidden.json", "experiments/x.sh",
                           "objects/aa/bb", "records/aabbccdd/manifest.json", "tmp/x"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(refusal_with(name), HasSubstr("the member '"));
  }
  EXPECT_THAT(refusal_with("../evil"), HasSubstr("the member '../evil' leaves its folder"));
  EXPECT_THAT(refusal_with("/evil"), HasSubstr("is an absolute path"));
}

TEST_F(Archive, LinksFoldersAndDevicesAreRefused) {
  const std::string name = member("more");
  EXPECT_THAT(refusal_with(name, '2', "/etc/passwd"), HasSubstr("is a link"));
  EXPECT_THAT(refusal_with(name, '1', "contents.json"), HasSubstr("is a link"));
  for (const char type : {'3', '4', '5', '6'})
    EXPECT_THAT(refusal_with(name, type), HasSubstr("no plain file"));
}

TEST_F(Archive, MembersAreThoseListedEachOnce) {
  const Members members = sound_members();
  const json contents = contents_of(members);
  std::string tar = tar_of(contents, members);
  tar.resize(tar.size() - kTarEnd.size());
  EXPECT_THAT(
      refusal_of(tar + tar_entry("experiments/quick.toml", members.at("experiments/quick.toml")) + kTarEnd),
      HasSubstr("'experiments/quick.toml' is there twice"));
  EXPECT_THAT(refusal_of(tar + tar_entry("experiments/other.toml", "") + kTarEnd),
              HasSubstr("is not listed"));
  Members fewer = members;
  fewer.erase("experiments/quick.toml");
  EXPECT_THAT(refusal_of(tar_of(contents, fewer)), HasSubstr("is listed and not there"));
}

TEST_F(Archive, SizesAndDigestsAreThoseListed) {
  Members members = sound_members();
  json contents = contents_of(members);
  const std::string name = member("test.correct");
  contents["members"][name]["bytes"] = 2;
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("has 3 bytes, contents.json says 2"));
  contents = contents_of(members);
  members[name] = std::string("\1\1\1", 3);
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("'" + name + "' does not match its SHA-256"));
  contents["members"][name]["bytes"] = -1;
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("is said to have -1 bytes"));
  contents["members"][name]["bytes"] = "3";
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("one of another kind"));
}

TEST_F(Archive, WhatWouldUnpackToTooMuchIsRefusedBeforeItIsUnpacked) {
  const Members members = sound_members();
  json contents = contents_of(members);
  ImportLimits limits;
  limits.member_bytes = 100;
  EXPECT_THAT(refusal_of(tar_of(contents, members), limits),
              HasSubstr("more than the 100 that a member may have"));
  limits = {};
  limits.total_bytes = 1000;
  EXPECT_THAT(refusal_of(tar_of(contents, members), limits), HasSubstr("more than 1000 bytes together"));
  limits = {};
  limits.members = 5;
  EXPECT_THAT(refusal_of(tar_of(contents, members), limits), HasSubstr("it lists 11 members, more than 5"));
  limits = {};
  limits.contents_bytes = 10;
  EXPECT_THAT(refusal_of(tar_of(contents, members), limits), HasSubstr("'contents.json' has"));
  contents["members"]["experiments/bomb.toml"] = {{"bytes", std::int64_t{3} << 30}, {"sha256", ""}};
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("would unpack to"));
  // A header that says more than there is.
  std::string tar = tar_entry("contents.json", contents_of(members).dump());
  tar += tar_entry("experiments/quick.toml", "x", '0', "", std::size_t{1} << 32) + kTarEnd;
  EXPECT_THAT(refusal_of(tar), HasSubstr("bytes, contents.json says"));
}

TEST_F(Archive, WhatIsNoArchiveIsSaidToBeNone) {
  EXPECT_THAT(refusal(path("absent.tar.zst")), HasSubstr("there is no archive"));
  EXPECT_THAT(refusal(path("runs")), HasSubstr("there is no archive"));
  EXPECT_THAT(refusal_of(""), HasSubstr("no archive of w2s records"));
  EXPECT_THAT(refusal_of("hello"), HasSubstr("no archive of w2s records"));
  EXPECT_THAT(refusal_of(tar_entry("readme.txt", "hello") + kTarEnd),
              HasSubstr("first member is not 'contents.json'"));
  export_records(Store::read_only(path("runs")), {}, "", path("quick.tar.zst"));
  const std::string whole = read_file(path("quick.tar.zst"));
  EXPECT_NE(refusal_of(whole.substr(0, whole.size() / 2)), "");
  std::string flipped = whole;
  flipped[flipped.size() / 2] ^= 0x40;
  EXPECT_NE(refusal_of(flipped), "");
}

TEST_F(Archive, MalformedContentsAreRefused) {
  const Members members = sound_members();
  const auto with = [&](const std::string& text) {
    return refusal_of(tar_entry("contents.json", text) + kTarEnd);
  };
  EXPECT_THAT(with("{"), HasSubstr("'contents.json' is not JSON"));
  EXPECT_THAT(with("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(with("{}"), HasSubstr("lacks a field"));
  EXPECT_THAT(with(std::string(100'000, '[') + std::string(100'000, ']')), HasSubstr("nested deeper"));
  json contents = contents_of(members);
  contents["format"] = "w2s weights";
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("no archive of w2s records"));
  contents = contents_of(members);
  contents["version"] = 2;
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("version 2"));
  contents = contents_of(members);
  contents["experiments"].push_back("ghost");
  EXPECT_THAT(refusal_of(tar_of(contents, members)), HasSubstr("'ghost' has no list of records"));
}

TEST_F(Archive, RecordsAreWhole) {
  const auto refusal_after = [&](const std::function<void(Members&)>& change) {
    Members members = sound_members();
    change(members);
    return refusal_of(tar_of(contents_of(members), members));
  };
  EXPECT_THAT(refusal_after([](Members& m) {
                json manifest = json::parse(m[member("manifest.json")]);
                manifest["record"]["tests"]["test"]["accuracy"] = 1.0;
                m[member("manifest.json")] = manifest.dump();
              }),
              HasSubstr("does not match its digest"));
  EXPECT_THAT(refusal_after([](Members& m) { reseal(m, [](json& j) { j["key"] = sha256("other"); }); }),
              HasSubstr("belongs to another key"));
  EXPECT_THAT(refusal_after([](Members& m) { reseal(m, [](json& j) { j["kind"] = "fit"; }); }),
              HasSubstr("is no record"));
  EXPECT_THAT(refusal_after([](Members& m) { m[member("weights.bin")] = "x"; }),
              HasSubstr("its files are not those"));
  EXPECT_THAT(refusal_after([](Members& m) { m[member("test.correct")] = std::string("\1\1\1", 3); }),
              HasSubstr("test.correct"));
  EXPECT_THAT(refusal_after([](Members& m) { m.erase(member("manifest.json")); }),
              HasSubstr("manifest.json"));
  EXPECT_THAT(refusal_after([](Members& m) {
                reseal(m, [](json& j) { j["record"]["provenance"]["experiment"] = "not = = toml"; });
              }),
              HasSubstr("record"));
  EXPECT_THAT(refusal_after([](Members& m) { m["experiments/quick.json"] = "{\"records\": [{}]}"; }),
              HasSubstr("quick.json is damaged"));
}

TEST_F(Archive, NumbersHaveToFollowFromThePredictions) {
  Members members = sound_members();
  reseal(members, [](json& j) { j["record"]["tests"]["test"]["accuracy"] = 0.99; });
  EXPECT_THAT(refusal_of(tar_of(contents_of(members), members)),
              HasSubstr("it says that accuracy on 'test' is 0.99, its predictions give 0.666"));
  members = sound_members();
  const std::string more(3, '\1');
  members[member("test.correct")] = more;
  reseal(members, [&](json& j) { j["files"]["test.correct"]["sha256"] = sha256(more); });
  EXPECT_THAT(refusal_of(tar_of(contents_of(members), members)),
              HasSubstr("'test.correct' is not what its predictions give"));
}

TEST_F(Archive, NamesOfImportsAreFreeOnceAndPlain) {
  export_records(Store::read_only(path("runs")), {}, "", path("quick.tar.zst"));
  import_records(path("quick.tar.zst"), path("new"), "alice");
  const auto before = files_below(path("new"));
  EXPECT_THROW(import_records(path("quick.tar.zst"), path("new"), "alice"), UsageError);
  for (const char* name : {"", ".", "..", ".x", "a/b", "../evil"})
    EXPECT_THROW(import_records(path("quick.tar.zst"), path("new"), name), UsageError) << name;
  EXPECT_EQ(files_below(path("new")), before);
  EXPECT_EQ(import_name("/somewhere/quick.tar.zst"), "quick");
}

TEST_F(Archive, OnlyWholeRecordsAreSent) {
  const Store store = Store::read_only(path("runs"));
  EXPECT_THROW(export_records(store, {"quik"}, "", path("quick.tar.zst")), UsageError);
  std::ofstream(student_folder() + "/test.correct", std::ios::binary) << std::string("\0\0\0", 3);
  EXPECT_THROW(export_records(store, {"quick"}, "", path("quick.tar.zst")), Error);
  EXPECT_FALSE(fs::exists(path("quick.tar.zst")));
}

}  // namespace
}  // namespace w2s
