// A sweep that is killed at random moments, again and again, ends in the bits of an undisturbed one, and its
// store is intact whenever one looks.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/stored.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;

class Survival : public testing::Test {
 protected:
  Survival() {
    bench.edit("tiny.toml", "epochs = 4", "epochs = 8");
    std::string text = bench.read("tiny.toml");
    text += "\n[methods.early]\nloss = \"early_learning\"\n\n[methods.pair]\nstrategy = [\"co_teaching\"]\n";
    bench.write("tiny.toml", text);
  }

  Arguments command(const std::string& runs) const {
    return {"run", "tiny.toml", "--jobs", "2", "--checkpoint-minutes", "0", "--runs", runs};
  }
  std::string store_is_intact(const std::string& runs) const {
    const Outcome verified = bench.w2s({"store", "verify", "--runs", runs});
    return verified.status == 0 ? "" : verified.out + verified.err;
  }

  const Workbench bench;
};

TEST_F(Survival, ThirtyKillsAtRandomMomentsChangeNoBit) {
  const auto begun = Clock::now();
  const Outcome undisturbed = bench.w2s(command("undisturbed"));
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.err;
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  const auto expected = digests(bench.path("undisturbed"));
  ASSERT_GE(expected.size(), 30u);

  std::mt19937 random(20231114);
  int kills = 0, stores = 0, resumed = 0, in_training = 0;
  while (kills < 30) {
    const std::string runs = "runs" + std::to_string(++stores);
    for (bool done = false; !done;) {
      Process run(bench.folder(), bench.w2s_command(command(runs)));
      // Whole runs get shorter as work is done: the moments move with what is left.
      const auto moment =
          Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                             seconds * std::uniform_real_distribution<>(0.05, 0.6)(random)));
      const bool alive = run.wait_until([&] { return Clock::now() >= moment; });
      if (alive) {
        std::vector<pid_t> victims = random() % 2 == 0 ? run.children() : std::vector<pid_t>{};
        std::shuffle(victims.begin(), victims.end(), random);
        in_training += has_checkpoint(bench.path(runs));
        const bool parent_first = random() % 2 == 0;
        if (parent_first) run.send(SIGKILL);
        for (const pid_t victim : victims) kill(victim, SIGKILL);
        if (!parent_first) run.send(SIGKILL);
      }
      const Outcome outcome = run.wait();
      if (outcome.status == 128 + SIGKILL) {
        ++kills;
        if (fs::exists(bench.path(runs) + "/objects")) {
          EXPECT_EQ(store_is_intact(runs), "");
        }
      } else {
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        resumed += jobs_done_before(outcome) > 0;
        EXPECT_EQ(outcome.out, undisturbed.out);
        done = true;
      }
    }
    EXPECT_EQ(store_is_intact(runs), "");
    EXPECT_EQ(digests(bench.path(runs)), expected);
    // A process that was killed after it had stored a fit leaves the fit's checkpoint behind.
    EXPECT_EQ(bench.w2s({"store", "gc", "--runs", runs}).status, 0);
    EXPECT_FALSE(has_checkpoint(bench.path(runs)));
    EXPECT_EQ(digests(bench.path(runs)), expected);
  }
  EXPECT_GE(resumed, 1);
  EXPECT_GE(in_training, 5) << "too few of the kills fell into training";
  RecordProperty("kills", kills);
  RecordProperty("stores", stores);
  RecordProperty("kills_with_a_checkpoint", in_training);
  std::printf("%d kills over %d stores, %d of them while a checkpoint was there\n", kills, stores,
              in_training);
}

TEST_F(Survival, CtrlCSavesTheTrainingAndTheNextRunGoesOnFromThere) {
  bench.write("tiny.toml", tiny_experiment().substr(0, tiny_experiment().find("[methods.gce]")));
  bench.edit("tiny.toml", "epochs = 4", "epochs = 500");
  const Arguments alone = {"run", "tiny.toml", "--jobs", "1", "--seeds", "0", "--log-level", "debug"};
  Process run(bench.folder(), bench.w2s_command(alone));
  // A job's log names the first step of each fit at once; `w2s status` may be a whole fit behind.
  ASSERT_TRUE(run.wait_until([&] {
    return fs::exists(bench.path("runs/logs")) &&
           all_logs(bench.path("runs")).find("step 1/") != std::string::npos;
  }));
  run.send(SIGINT);
  const Outcome stopped = run.wait();
  EXPECT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_TRUE(has_checkpoint(bench.path("runs")));
  const Outcome again = bench.w2s(alone);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(all_logs(bench.path("runs")), HasSubstr("goes on from a checkpoint, after "));
  EXPECT_FALSE(has_checkpoint(bench.path("runs")));
  Arguments elsewhere = alone;
  elsewhere.insert(elsewhere.end(), {"--runs", "undisturbed"});
  EXPECT_EQ(bench.w2s(elsewhere).out, again.out);
  EXPECT_EQ(digests(bench.path("runs")), digests(bench.path("undisturbed")));
}

}  // namespace
}  // namespace w2s::e2e
