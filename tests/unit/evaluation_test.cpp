// Records keep predictions; measures are computed from them, anew where their formulas changed.
#include "results/evaluation.hpp"

#include <gtest/gtest.h>

#include <w2s/digest.hpp>
#include <w2s/safetensors.hpp>

#include "base/code_parts.hpp"
#include "base/files.hpp"
#include "check/tiny_world.hpp"
#include "results/ledger.hpp"
#include "results/record_check.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

class StoredEvaluation : public testing::Test {
 protected:
  // Four test examples of classes 0, 1, 0, 1; each is given probabilities of class 1.
  static Tensor rows(const std::vector<float>& ones) {
    const Tensor p = at::tensor(ones);
    return at::stack({1 - p, p}, 1).contiguous();
  }

  std::string put(Record record, const std::vector<float>& ones, const std::vector<float>& weak_labels = {}) {
    record.key = sha256(record.kind + record.method);
    record.task = "task";
    ObjectWriter object = store_.begin(record.key, "record");
    const Tensor labels = at::tensor(std::vector<std::int64_t>{0, 1, 0, 1});
    save_safetensors(object.folder() + "/" + kPredictionsFile,
                     {{"test.probabilities", rows(ones)}, {"test.labels", labels}});
    write_file_atomically(object.folder() + "/test.correct", std::string(4, '\0'));
    if (!weak_labels.empty()) {
      save_safetensors(object.folder() + "/" + kWeakLabelsFile,
                       {{"transfer.probabilities", rows(weak_labels)}, {"transfer.labels", labels}});
    }
    object.manifest()["record"] = record;
    object.commit();
    ledger_.push_back({record.key, record.kind, "task", "weak", "strong", record.method, record.floor, "", 0,
                       nlohmann::json::object()});
    save_ledger(store_.root(), "tried", ledger_, {"name = \"tried\"\n"});
    return record.key;
  }

  // A floor that is right on three of four, and a student that is right on all, measured by other code.
  void fill() {
    Record floor;
    floor.kind = "floor";
    floor.measured_by = "other code";
    floor.tests["test"]["accuracy"] = 0.125;
    floor_ = put(floor, {0.1f, 0.9f, 0.2f, 0.3f}, {0.1f, 0.9f, 0.9f, 0.1f});
    Record student;
    student.kind = "student";
    student.method = "naive";
    student.floor = floor_;
    student.measured_by = "other code";
    student.tests["test"]["accuracy"] = 0.125;
    student.supervision["agreement"] = 0.125;
    student_ = put(student, {0.1f, 0.9f, 0.2f, 0.7f});
  }

  Record read(const std::string& kind) const {
    for (const Record& record : load_records(store_, {}))
      if (record.kind == kind) return record;
    throw Error("no such record");
  }

  ScratchFolder folder_;
  Store store_{folder_.path()};
  std::vector<LedgerEntry> ledger_;
  std::string floor_, student_;
};

TEST_F(StoredEvaluation, MeasuresOfOtherCodeAreComputedAnewWhereTheyAreRead) {
  fill();
  const Record student = read("student"), floor = read("floor");
  EXPECT_EQ(floor.tests.at("test").at("accuracy"), 0.75);
  EXPECT_EQ(student.tests.at("test").at("accuracy"), 1.0);
  EXPECT_EQ(student.supervision.at("agreement"), 0.75);
  EXPECT_EQ(student.supervision.at("weak_label_accuracy"), 0.5);
  EXPECT_EQ(student.measured_by, code_part("measures"));
  EXPECT_EQ(stored_correctness(student, "test"), std::vector<std::uint8_t>(4, 1));
  // Reading writes nothing.
  EXPECT_EQ(store_.manifest(student_).at("record").at("measured_by"), "other code");
}

TEST_F(StoredEvaluation, AStoreThatIsMeasuredAnewHoldsTheNewMeasures) {
  fill();
  const auto created = store_.manifest(student_).at("created");
  EXPECT_EQ(measure_store_anew(store_), 2);
  EXPECT_EQ(measure_store_anew(store_), 0);
  const nlohmann::json manifest = store_.manifest(student_);
  EXPECT_EQ(manifest.at("record").at("tests").at("test").at("accuracy"), 1.0);
  EXPECT_EQ(manifest.at("created"), created);
  store_.verify(student_);
  EXPECT_TRUE(check_record(manifest, store_.path(student_)));
  EXPECT_EQ(read_file(store_.path(student_) + "/test.correct"), std::string(4, '\1'));
  store_.reindex();
  EXPECT_EQ(read("student").supervision.at("agreement"), 0.75);
}

TEST_F(StoredEvaluation, WhatWasNotKeptStaysAsItWas) {
  Record student;
  student.kind = "student";
  student.method = "naive";
  student.supervision["agreement"] = 0.5;
  student.supervision["weak_label_accuracy"] = 0.25;
  student.oracle["test"]["accuracy"] = 0.5;
  put(student, {0.1f, 0.9f, 0.2f, 0.7f});  // its floor is not there
  const Record found = read("student");
  EXPECT_EQ(found.tests.at("test").at("accuracy"), 1.0);
  EXPECT_EQ(found.supervision.at("agreement"), 0.5);
  EXPECT_EQ(found.supervision.at("weak_label_accuracy"), 0.25);
  EXPECT_EQ(found.oracle.at("test").at("accuracy"), 0.5);
}

TEST_F(StoredEvaluation, AStoreOfALaterFormatIsRefused) {
  write_file_atomically(folder_.path() + "/format.json", "{\"format\": 99}");
  try {
    Store::read_only(folder_.path());
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("is of format 99, and this w2s reads up to"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace w2s
