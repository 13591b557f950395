// What runs say of themselves to w2s status, and the times and sizes of their limits.
#include "status/activity.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

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
  job.what = "fit strong";
  job.device = "cpu";
  job.step = 11;
  job.total = 32;
  job.loss = 0.25;
  job.per_second = 1800;
  job.since = 1700000000;
  return job;
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
    EXPECT_EQ(job.step, 11);
    EXPECT_EQ(job.total, 32);
    EXPECT_EQ(job.loss, 0.25);
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
