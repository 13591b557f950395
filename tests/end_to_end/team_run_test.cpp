// w2s run --processes: fits over two processes end in the table of one; a process that is killed ends the
// other with its name, and the same command goes on.
#include <signal.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

class TeamRun : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome tried = bench.w2s({"run", "tiny.toml", "--processes", "2"});
    if (tried.err.find("built without c10d") != std::string::npos) GTEST_SKIP() << tried.err;
    table = tried.out;
    ASSERT_EQ(tried.status, 0) << tried.err;
    EXPECT_EQ(fits_computed(tried), 8) << tried.err;
  }

  const Workbench bench;
  std::string table;
};

TEST_F(TeamRun, EndsInTheTableOfOneProcess) {
  const Outcome alone = bench.w2s({"run", "tiny.toml", "--runs", "alone"});
  EXPECT_EQ(alone.out, table);
  const Outcome found = bench.w2s({"run", "tiny.toml"});
  EXPECT_EQ(jobs_done_before(found), 8) << "a team's results serve one process";
  EXPECT_EQ(bench.w2s({"store", "verify"}).status, 0);
}

TEST_F(TeamRun, AKilledProcessEndsTheOtherWithItsNameAndTheSameCommandGoesOn) {
  bench.edit("tiny.toml", "epochs = 4", "epochs = 60");
  const Arguments command = {"run", "tiny.toml", "--seeds", "0", "--processes", "2", "--checkpoint-minutes",
                             "0"};
  Process run(bench.folder(), bench.w2s_command(command));
  const auto saved = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(bench.path("runs/checkpoints"))) {
      if (entry.path().filename() == "checkpoint.safetensors") return true;
    }
    return false;
  };
  ASSERT_TRUE(run.wait_until(saved));
  const std::vector<pid_t> processes = run.children();
  ASSERT_EQ(processes.size(), 2u);
  kill(processes[1], SIGKILL);
  const Outcome ended = run.wait();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("rank 1 ended by signal 9 (Killed)"));
  EXPECT_THAT(ended.err, ContainsRegex("rank 1 \\(process [0-9]+ on [^)]*\\) is gone"));
  EXPECT_EQ(bench.w2s({"store", "verify"}).status, 0);

  const Arguments rest = {"run", "tiny.toml", "--seeds", "0", "--processes", "2"};
  const Outcome again = bench.w2s(rest);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("goes on from a checkpoint"));
}

TEST_F(TeamRun, OptionsThatDealOutJobsAreRefused) {
  const Outcome jobs = bench.w2s({"run", "tiny.toml", "--processes", "2", "--jobs", "2"});
  EXPECT_EQ(jobs.status, 2);
  EXPECT_THAT(jobs.err, HasSubstr("--jobs deals out processes of one job each: it does not go with a team"));
}

}  // namespace
}  // namespace w2s::e2e
