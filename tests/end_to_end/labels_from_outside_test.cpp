// Labels from outside in the place of a weak model, as a user runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;

const char* const kWeak = "weak = \"weak\"\n";

// Labels of the first `count` images, every tenth wrong. The images' classes alternate.
std::string labels(const std::string& split, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += "{\"id\": \"" + split + "/" + std::to_string(i) +
             "\", \"label\": " + std::to_string((i + (i % 10 == 0)) % 2) + "}\n";
  }
  return lines;
}

nlohmann::json rows(const Workbench& bench) {
  return nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out);
}

void teach(const Workbench& bench, const std::string& supervisor) {
  bench.edit("tiny.toml", kWeak, "");
  bench.write("tiny.toml", bench.read("tiny.toml") + "\n[supervisor]\n" + supervisor);
}

TEST(SupervisorFromOutside, AFileThatLabelsTheTestSetGivesTheFloor) {
  const Workbench bench;
  teach(bench, "type = \"file\"\npath = [\"train.jsonl\", \"test.jsonl\"]\n");
  bench.write("train.jsonl", labels("train", 600));
  bench.write("test.jsonl", labels("test", 300));
  const Outcome run = bench.w2s({"run", "tiny.toml"});
  ASSERT_EQ(run.status, 0) << run.err;
  for (const nlohmann::json& row : rows(bench)) {
    EXPECT_EQ(row.at("weak"), "file");
    EXPECT_NEAR(row.at("floor").at("mean").get<double>(), 0.9, 1e-9);
  }
  EXPECT_EQ(fits_computed(bench.w2s({"run", "tiny.toml"})), 0);
  bench.write("train.jsonl", labels("train", 600) + "{\"id\": \"other\", \"label\": 0}\n");
  EXPECT_EQ(jobs_done_before(bench.w2s({"run", "tiny.toml"})), 2) << "the ceilings";
}

TEST(SupervisorFromOutside, WithoutTestLabelsThereIsNoPgrAndTheReasonIsSaid) {
  const Workbench bench;
  teach(bench, "type = \"file\"\npath = \"train.jsonl\"\n");
  bench.write("train.jsonl", labels("train", 600));
  const Outcome run = bench.w2s({"run", "tiny.toml"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("undefined"));
  for (const nlohmann::json& row : rows(bench)) {
    EXPECT_TRUE(row.at("pgr").is_null());
    EXPECT_THAT(row.at("pgr_reason").get<std::string>(),
                HasSubstr("the supervisor labels none of the 300 test examples"));
  }
}

TEST(SupervisorFromOutside, ExamplesWithoutALabelAreAnErrorOrLeftOut) {
  const Workbench bench;
  teach(bench, "type = \"file\"\npath = \"train.jsonl\"\n");
  bench.write("train.jsonl", labels("train", 500) + labels("trian", 3));
  const Outcome run = bench.w2s({"run", "tiny.toml"});
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.err,
              HasSubstr("of the 300 examples of the transfer half have no label, the first 'train/5"));
  EXPECT_THAT(run.err, HasSubstr("3 of the 503 labelled ids are none of the task's, the first 'trian/0'"));
  const Outcome dropped = bench.w2s({"run", "tiny.toml", "--set", "supervisor.missing=drop"});
  EXPECT_EQ(dropped.status, 0) << dropped.err;
}

TEST(SupervisorFromOutside, NoiseHasTheSameAccuracyWithEveryStructure) {
  const Workbench bench;
  teach(bench, "type = \"noise\"\naccuracy = 0.8\n");
  const Outcome run =
      bench.w2s({"run", "tiny.toml", "--sweep", "supervisor.structure=random,strong_unsure,strong_right"});
  ASSERT_EQ(run.status, 0) << run.err;
  const nlohmann::json all = rows(bench);
  EXPECT_EQ(all.size(), 6u);
  for (const nlohmann::json& row : all) EXPECT_NEAR(row.at("floor").at("mean").get<double>(), 0.8, 1e-9);
  // Two ceilings and four students share nothing but the ceilings and the judge: 2 + 2 + 3 · 4.
  EXPECT_EQ(fits_computed(run), 16) << run.err;
}

TEST(SupervisorFromOutside, NoiseCanHaveAModelsErrorRate) {
  const Workbench bench;
  ASSERT_EQ(bench.w2s({"run", "tiny.toml"}).status, 0);
  const double floor = rows(bench)[0].at("floor").at("mean");
  teach(bench, "type = \"noise\"\naccuracy_of = \"weak\"\n");
  const Outcome run = bench.w2s({"run", "tiny.toml"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_NEAR(rows(bench)[0].at("floor").at("mean").get<double>(), floor, 1e-9);
}

TEST(SupervisorFromOutside, LengthsNeedTexts) {
  const Workbench bench;
  teach(bench, "type = \"noise\"\naccuracy = 0.8\nstructure = \"longest\"\n");
  const Outcome run = bench.w2s({"run", "tiny.toml"});
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("structure = \"longest\" needs texts"));
}

}  // namespace
}  // namespace w2s::e2e
