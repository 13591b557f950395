// A task of generation as a user runs it: floor, ceiling, naive students and a ladder, the table, the
// records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;

// "947=" is answered "74": the last two of three digits, swapped.
std::string swaps(int count, int offset) {
  std::string rows = "prompt\tanswer\n";
  for (int i = 0; i < count; ++i) {
    const std::string digits = std::to_string(1000 + (offset + 619 * i) % 1000).substr(1);
    rows += digits + "=\t" + digits[2] + digits[1] + "\n";
  }
  return rows;
}

constexpr const char* kExperiment = R"(
name = "swaps"
seeds = [0]
[task]
type = "text_generation"
path = "."
train = "train.tsv"
test = "test.tsv"
answer = "{answer}"
[models.weak]
type = "gpt"
layers = 1
width = 8
heads = 2
positions = 16
tokenizer = "tokenizer"
[models.strong]
type = "gpt"
layers = 1
width = 32
heads = 2
positions = 16
tokenizer = "tokenizer"
[pairs]
weak = "weak"
strong = "strong"
[train]
lr = 3e-3
epochs = 20
batch = 8
[methods.naive]
[methods.bootstrap]
strategy = { type = "bootstrap", ladder = ["weak"] }
)";

class AfterAGenerationRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Workbench;
    bench->write("train.tsv", swaps(500, 0));
    bench->write("test.tsv", swaps(300, 619 * 500 % 1000));
    bench->write("swaps.toml", kExperiment);
    bench->w2s({"tokenizer", "train", "--vocabulary", "257", "--out", "tokenizer", "train.tsv"});
    first = new Outcome(bench->w2s({"run", "swaps.toml"}));
  }
  static void TearDownTestSuite() {
    delete bench;
    delete first;
  }
  static nlohmann::json rows() {
    return nlohmann::json::parse(bench->w2s({"leaderboard", "swaps", "--format", "json"}).out);
  }
  static inline Workbench* bench = nullptr;
  static inline Outcome* first = nullptr;
};

TEST_F(AfterAGenerationRun, TheTableHasExactMatchAsAccuracy) {
  ASSERT_EQ(first->status, 0) << first->err;
  for (const nlohmann::json& row : rows()) {
    EXPECT_EQ(row.at("metric"), "accuracy");
    EXPECT_GT(row.at("ceiling").at("mean").get<double>(), 0.9);
    EXPECT_LT(row.at("floor").at("mean").get<double>(), row.at("ceiling").at("mean").get<double>());
    EXPECT_GT(row.at("student").at("mean").get<double>(), 0.0);
  }
}

TEST_F(AfterAGenerationRun, ASecondRunComputesNothing) {
  const Outcome second = bench->w2s({"run", "swaps.toml"});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.out, first->out);
  EXPECT_EQ(fits_computed(second), 0);
}

TEST_F(AfterAGenerationRun, ARecordShowsAgreementAndNoMeasuresOfProbabilities) {
  const std::string plan = bench->w2s({"plan", "swaps.toml"}).out;  // "done  KEY  student naive: …"
  const std::size_t title = plan.find("student naive");
  ASSERT_NE(title, std::string::npos) << plan;
  const Outcome shown = bench->w2s({"show", plan.substr(title - 14, 12), "--json"});
  ASSERT_EQ(shown.status, 0) << shown.err << plan;
  const auto record = nlohmann::json::parse(shown.out);
  EXPECT_EQ(record.at("tests").at("test").size(), 1u);
  for (const char* name : {"agreement", "gain", "weak_label_accuracy"})
    EXPECT_TRUE(record.at("supervision").contains(name)) << name;
  for (const char* name : {"misfit", "capa"}) EXPECT_FALSE(record.at("supervision").contains(name)) << name;
}

TEST_F(AfterAGenerationRun, TheReportIsWritten) {
  const Outcome report = bench->w2s({"report", "swaps", "--out", "report.html"});
  EXPECT_EQ(report.status, 0) << report.err;
  EXPECT_THAT(bench->read("report.html"), HasSubstr("swaps"));
}

TEST_F(AfterAGenerationRun, AStudentIsExportedAsALanguageModel) {
  const std::string plan = bench->w2s({"plan", "swaps.toml"}).out;
  const Outcome exported = bench->w2s({"export", plan.substr(plan.find("student naive") - 14, 12), "out"});
  EXPECT_EQ(exported.status, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("a language model without a head"));
  EXPECT_THAT(bench->read("out/config.json"), HasSubstr("GPT2LMHeadModel"));
}

TEST_F(AfterAGenerationRun, AHeadIsRefusedWithItsPlace) {
  const Outcome run = bench->w2s({"plan", "swaps.toml", "--set", "train.trainable=head"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("a generation task has no head"));
  const Outcome probe = bench->w2s({"plan", "swaps.toml", "--set", "methods.naive.strategy=linear_probe"});
  EXPECT_EQ(probe.status, 2);
  EXPECT_THAT(probe.err, HasSubstr("strategy 'linear_probe' does not work on a task of generation"));
}

}  // namespace
}  // namespace w2s::e2e
