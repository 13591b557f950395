// Jobs that hang, eat the memory or fail at times; disks that are full or read-only.
#include <filesystem>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string broken(const std::string& name) { return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so"; }

class Limits : public testing::Test {
 protected:
  // tiny.toml with one method more, whose loss is this plugin.
  Outcome run_with(const std::string& plugin, const std::string& loss, Arguments more) const {
    bench.write_experiment("broken.toml", "\n[methods.broken]\nloss = " + loss + "\n");
    Arguments arguments{"run", "broken.toml", "--seeds", "0", "--plugin", broken(plugin)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return bench.w2s(arguments);
  }

  const Workbench bench;
};

TEST_F(Limits, AJobThatNeverReturnsIsEndedAndTheOthersAreDone) {
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--seeds", "0"}).status, 0);  // only the broken one has a limit
  const Outcome run = run_with("never_returns", "\"never_returns\"", {"--job-timeout", "6"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(
      run.err,
      HasSubstr("failed: ended after 6 s (--job-timeout), with loss 'never_returns' (fit strong, step 2 "
                "of 32)"));
  EXPECT_THAT(run.err, HasSubstr("4 done before, 0 run now, 1 failed"));
  EXPECT_THAT(run.out, HasSubstr("gce"));
}

TEST_F(Limits, AJobThatEatsTheMemoryIsEndedAndTheOthersAreDone) {
  const Outcome run = run_with("leaks", "\"leaks\"", {"--memory", "500M"});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(
      has_match(run.err,
                "failed: ended at … MiB of memory (--memory 500.0 MiB), with loss 'leaks' (fit strong, "
                "step …of 32)"))
      << run.err;
  EXPECT_THAT(run.err, HasSubstr("4 run now, 1 failed"));
}

TEST_F(Limits, WhatFailsOnceIsTriedAgainWhereAsked) {
  const std::string loss = "{ type = \"fails_once\", marker = \"" + bench.path("marker") + "\" }";
  const Outcome once = run_with("fails_once", loss, {});
  EXPECT_EQ(once.status, 1);
  EXPECT_THAT(once.err, HasSubstr("the first time"));
  fs::remove(bench.path("marker"));
  const Outcome twice = run_with("fails_once", loss, {"--retry", "1"});
  EXPECT_EQ(twice.status, 0) << twice.err;
  EXPECT_THAT(twice.err, HasSubstr("; trying again (1 of 1)"));
}

TEST_F(Limits, TheFirstFailureEndsAllWhereAsked) {
  bench.write_experiment("broken.toml", "\n[methods.after]\nloss = \"kl\"\n");
  bench.edit("broken.toml", "[methods.naive]\n",
             "[methods.broken]\nloss = \"throws_mid_training\"\n\n[methods.naive]\n");
  const Outcome run = bench.w2s({"run", "broken.toml", "--seeds", "0", "--jobs", "1", "--fail-fast",
                                 "--plugin", broken("throws_mid_training")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("6 jobs: 0 done before, 2 run now, 1 failed, 3 not run"));
}

TEST_F(Limits, TheSummarySaysHowToRepeatAJobAndStatusRemembers) {
  const Outcome run = run_with("throws_mid_training", "\"throws_mid_training\"", {"--jobs", "2"});
  EXPECT_EQ(run.status, 1);
  std::smatch again;
  ASSERT_TRUE(std::regex_search(run.err, again,
                                std::regex("    again: w2s (run broken.toml .* --job [0-9a-f]{12})\n")))
      << run.err;
  const nlohmann::json status = nlohmann::json::parse(bench.w2s({"status", "broken.toml", "--json"}).out);
  const nlohmann::json& experiment = status.at("experiments").at(0);
  EXPECT_EQ(experiment.at("name"), "tiny");
  EXPECT_EQ(experiment.at("jobs"), 5);
  EXPECT_EQ(experiment.at("done"), 4);
  EXPECT_EQ(experiment.at("failed"), 1);
  EXPECT_EQ(experiment.at("running"), 0);
  EXPECT_EQ(experiment.at("open"), 0);
  EXPECT_THAT(status.at("failed").at(0).at("reason").get<std::string>(), HasSubstr("throws_mid_training"));
  EXPECT_EQ(status.at("failed").at(0).at("command"), "w2s " + again[1].str());

  const Outcome repeated = bench.command({"sh", "-c", std::string(W2S_COMMAND) + " " + again[1].str()});
  EXPECT_EQ(repeated.status, 1);
  EXPECT_THAT(repeated.err, HasSubstr("2 jobs: 1 done before, 0 run now, 1 failed"));
}

TEST_F(Limits, LastLinesOfTheLogStandInTheSummary) {
  bench.write("talks.cpp", R"(#include <w2s/plugin.hpp>
#include <cstdio>
#include <cstdlib>
class Talks final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Talks and aborts"); }
  w2s::Tensor forward(const w2s::LossInput&) override {
    std::puts("the third law is broken");
    std::fflush(stdout);
    std::abort();
  }
};
W2S_LOSS(Talks, "talks");
)");
  bench.write_experiment("broken.toml", "\n[methods.broken]\nloss = \"talks\"\n");
  const Outcome run = bench.w2s({"run", "broken.toml", "--seeds", "0", "--plugin", "talks.cpp"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("failed: ended by signal 6 (Aborted), with loss 'talks'\n"));
  EXPECT_THAT(run.err, HasSubstr("    | the third law is broken\n"));
}

// A file system of its own below the workbench, where the machine lets us mount one.
class SmallDisk : public Limits {
 protected:
  void SetUp() override {
    fs::create_directories(bench.path("disk"));
    const Outcome mounted =
        bench.command({"mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", bench.path("disk")});
    if (mounted.status != 0) GTEST_SKIP() << "no file system can be mounted here: " << mounted.err;
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) bench.command({"umount", "-l", bench.path("disk")});
  }
  void remount(const std::string& options) const {
    ASSERT_EQ(bench.command({"mount", "-o", "remount," + options, bench.path("disk")}).status, 0);
  }
  bool mounted_ = false;
};

TEST_F(SmallDisk, AFullOneLosesNothingThatWasWritten) {
  const Arguments arguments{"run",
                            "tiny.toml",
                            "--runs",
                            "disk/runs",
                            "--jobs",
                            "1",
                            "--checkpoint-minutes",
                            "0",
                            "--set",
                            "models.strong.hidden=[200]"};
  const Outcome full = bench.w2s(arguments);
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  EXPECT_THAT(full.err, Not(HasSubstr("terminate called")));
  remount("size=20m");
  EXPECT_EQ(bench.w2s({"store", "verify", "--runs", "disk/runs"}).status, 0);
  const Outcome again = bench.w2s(arguments);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_GE(jobs_done_before(again), 1);
  EXPECT_EQ(bench.w2s({"store", "verify", "--runs", "disk/runs"}).status, 0);
  EXPECT_EQ(
      bench.w2s({"run", "tiny.toml", "--runs", "undisturbed", "--set", "models.strong.hidden=[200]"}).out,
      again.out);
}

TEST_F(SmallDisk, AReadOnlyOneIsRefusedAtOnceAndStillShown) {
  remount("size=20m");
  const Outcome done = bench.w2s({"run", "tiny.toml", "--runs", "disk/runs"});
  ASSERT_EQ(done.status, 0) << done.err;
  remount("ro");
  const Outcome refused = bench.w2s({"run", "tiny.toml", "--runs", "disk/runs"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("w2s: the store 'disk/runs' cannot be written to: "));
  EXPECT_THAT(refused.err, HasSubstr("Read-only file system"));
  EXPECT_EQ(bench.w2s({"leaderboard", "--runs", "disk/runs"}).out, done.out);
  EXPECT_EQ(bench.w2s({"status", "--runs", "disk/runs"}).out,
            "tiny: 8 runs: 8 done, 0 running, 0 failed, 0 open\n");
  EXPECT_EQ(bench.w2s({"store", "verify", "--runs", "disk/runs"}).status, 0);
}

}  // namespace
}  // namespace w2s::e2e
