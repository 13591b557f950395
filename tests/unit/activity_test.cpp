// What runs say of themselves to w2s status, and the times and sizes of their limits.
#include "status/activity.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "../support/tiny_world.hpp"
#include "base/amounts.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

ActiveJob a_job() {
  ActiveJob job;
  job.key = "0123456789abcdef";
  job.title = "student gce: weak → strong, seed 1";
  job.device = "cpu";
  job.progress.what = "fit strong";
  job.progress.step = 11;
  job.progress.steps = 32;
  job.progress.loss = 0.25;
  job.progress.examples_per_second = 1800;
  job.since = 1700000000;
  return job;
}

TEST(Progress, ReadsBackWhatItWroteAsJson) {
  Progress progress;
  progress.what = "fit strong";
  progress.step = 31;
  progress.steps = 32;
  progress.epoch = 1;
  progress.loss = 0.25;
  progress.lr = 1e-3;
  progress.gradient_norm = 2;
  progress.examples_per_second = 1800;
  progress.validation_agreement = 0.75;
  progress.validation_accuracy = 0.5;
  const nlohmann::json json = progress;
  EXPECT_EQ(nlohmann::json(json.get<Progress>()), json);
  EXPECT_EQ(json.size(), 10u);
  progress.validation_accuracy.reset();
  EXPECT_FALSE(nlohmann::json(progress).get<Progress>().validation_accuracy);
}

TEST(Progress, KeepsALossThatIsNotANumber) {
  Progress progress;
  progress.loss = NAN;
  const auto read = nlohmann::json::parse(nlohmann::json(progress).dump());
  EXPECT_TRUE(std::isnan(read.get<Progress>().loss));
}

TEST(Progress, OfWhatIsNoTrainingIsItsNameAlone) {
  EXPECT_EQ(Progress{"reading chess"}.text(), "reading chess");
  EXPECT_EQ(Progress{}.text(), "");
}

TEST(Progress, ALogKeepsAboutTwoHundredStepsTheLastAndEveryValidation) {
  Progress progress;
  progress.steps = 2000;
  std::int64_t kept = 0;
  for (; progress.step < progress.steps; ++progress.step) kept += progress.in_log() ? 1 : 0;
  EXPECT_EQ(kept, 201);
  progress.step = 3;
  EXPECT_FALSE(progress.in_log());
  progress.validation_agreement = 0.5;
  EXPECT_TRUE(progress.in_log());
}

TEST(Activity, IsSeenAsLongAsItsRunLives) {
  const TemporaryFolder folder;
  {
    const Activity run(folder.path());
    run.show({a_job()});
    const auto runs = active_runs(folder.path());
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].pid, getpid());
    ASSERT_EQ(runs[0].jobs.size(), 1u);
    const ActiveJob& job = runs[0].jobs[0];
    EXPECT_EQ(job.title, "student gce: weak → strong, seed 1");
    EXPECT_EQ(job.device, "cpu");
    EXPECT_EQ(job.progress.text(), "fit strong · step 12/32 · loss 0.2500 · 1800/s");
    EXPECT_EQ(job.since, 1700000000);
  }
  EXPECT_TRUE(active_runs(folder.path()).empty());
}

TEST(Activity, OfAKilledRunIsPassedOverAndRemovedByTheNext) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() + "/activity");
  const std::string left = folder.path() + "/activity/elsewhere.1";
  std::ofstream(left + ".json") << R"({"host": "elsewhere", "pid": 1, "jobs": []})";
  std::ofstream(left + ".lock") << "";
  EXPECT_TRUE(active_runs(folder.path()).empty());
  EXPECT_TRUE(fs::exists(left + ".json"));
  const Activity run(folder.path());
  EXPECT_FALSE(fs::exists(left + ".json"));
}

TEST(Activity, FailuresStayUntilTheJobSucceeds) {
  const TemporaryFolder folder;
  {
    const Activity run(folder.path());
    run.failed("0123456789abcdef",
               {"floor weak, seed 0", "ended by signal 11", "log", "w2s run", 1700000000});
  }
  const auto failed = failed_jobs(folder.path());
  ASSERT_EQ(failed.count("0123456789abcdef"), 1u);
  EXPECT_EQ(failed.at("0123456789abcdef").reason, "ended by signal 11");
  EXPECT_EQ(failed.at("0123456789abcdef").command, "w2s run");
  const Activity run(folder.path());
  run.succeeded("0123456789abcdef");
  EXPECT_TRUE(failed_jobs(folder.path()).empty());
}

TEST(Activity, OfAStoreThatNeverHadAnyIsNone) {
  const TemporaryFolder folder;
  EXPECT_TRUE(active_runs(folder.path()).empty());
  EXPECT_TRUE(failed_jobs(folder.path()).empty());
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Amounts, TimesHaveUnits) {
  EXPECT_EQ(parse_duration("x", "90"), 90);
  EXPECT_EQ(parse_duration("x", "90s"), 90);
  EXPECT_EQ(parse_duration("x", "10m"), 600);
  EXPECT_EQ(parse_duration("x", "1.5h"), 5400);
  EXPECT_EQ(parse_duration("x", "2d"), 172800);
  for (const char* wrong : {"", "0", "-1", "nan", "inf", "10 m", "10x", "h"}) {
    EXPECT_THROW(parse_duration("x", wrong), UsageError) << wrong;
  }
}

TEST(Amounts, SizesArePowersOf1024) {
  EXPECT_EQ(parse_size("x", "1K"), 1024);
  EXPECT_EQ(parse_size("x", "500M"), std::int64_t{500} << 20);
  EXPECT_EQ(parse_size("x", "2G"), std::int64_t{2} << 30);
  EXPECT_EQ(parse_size("x", "2GiB"), std::int64_t{2} << 30);
  for (const char* wrong : {"", "0G", "500", "2g", "-1M", "1e30T"})
    EXPECT_THROW(parse_size("x", wrong), UsageError) << wrong;
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(std::int64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(duration_text(45), "45 s");
  EXPECT_EQ(duration_text(600), "10 min");
  EXPECT_EQ(duration_text(10800), "3 h");
}

}  // namespace
}  // namespace w2s
