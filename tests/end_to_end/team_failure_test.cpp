// A process of a team that dies or hangs: the others end with its name, in bounded time, and the same command
// goes on.
#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/stored.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

std::string broken(const std::string& name) { return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so"; }

class TeamFailure : public testing::Test {
 protected:
  void SetUp() override {
    static const Outcome absent = Workbench().w2s({"run", "none.toml", "--processes", "2"});
    if (absent.err.find("built without c10d") != std::string::npos) GTEST_SKIP() << absent.err;
  }

  // Two processes, the first seed of tiny.toml with one method more.
  Outcome run_with(const std::string& method, Arguments more) const {
    bench.write_experiment("broken.toml", "\n[methods.broken]\nloss = " + method + "\n");
    Arguments arguments{"run", "broken.toml", "--seeds", "0", "--processes", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return bench.w2s(arguments);
  }

  const Workbench bench;
};

TEST_F(TeamFailure, AKilledProcessEndsTheOtherWithItsNameAndTheSameCommandGoesOn) {
  bench.edit("tiny.toml", "epochs = 4", "epochs = 12");
  const Arguments command = {"run", "tiny.toml", "--seeds", "0", "--processes", "2", "--checkpoint-minutes",
                             "0"};
  Process run(bench.folder(), bench.w2s_command(command));
  ASSERT_TRUE(run.wait_until([&] { return has_checkpoint(bench.path("runs")); }));
  const std::vector<pid_t> processes = run.children();
  ASSERT_EQ(processes.size(), 2u);
  kill(processes[1], SIGKILL);
  const Outcome ended = run.wait();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("rank 1 ended by signal 9 (Killed)"));
  EXPECT_THAT(ended.err, ContainsRegex("rank 1 \\(process [0-9]+ on [^)]*\\) is gone"));
  EXPECT_EQ(bench.w2s({"store", "verify"}).status, 0);

  const Outcome again = bench.w2s({"run", "tiny.toml", "--seeds", "0", "--processes", "2"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("goes on from a checkpoint"));
}

TEST_F(TeamFailure, AProcessThatCrashesIsNamedWithTheJobAndTheCommandThatRepeatsIt) {
  const Outcome run = run_with("{ type = \"misbehaves\", rank = 1 }", {"--plugin", broken("misbehaves")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("rank 1 ended by signal 11 (Segmentation fault)"));
  EXPECT_THAT(run.err,
              ContainsRegex("failed: rank 1 \\(process [0-9]+ on [^)]*\\) is gone: the other processes "
                            "of the team have ended too\\. What was done is kept; the same command goes "
                            "on from there \\(fit strong, step 2 of 32\\)"));
  EXPECT_THAT(run.err, HasSubstr("4 run now, 1 failed"));
  EXPECT_THAT(run.err, ContainsRegex(
                           "again: w2s run broken.toml --seeds 0 --processes 2 --plugin .* --job [0-9a-f]+"));
}

TEST_F(TeamFailure, AProcessThatHangsIsNamedAndEnded) {
  const Outcome run = run_with("{ type = \"misbehaves\", how = \"hang\", rank = 1 }",
                               {"--plugin", broken("misbehaves"), "--team-timeout", "4"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, ContainsRegex("failed: rank 1 \\(process [0-9]+ on [^)]*\\) has not answered for 4 s "
                                     "\\(--team-timeout\\): the other processes of the team have ended too"));
  EXPECT_THAT(run.err, HasSubstr("4 run now, 1 failed"));
  EXPECT_THAT(run.err, HasSubstr("rank 1 ended by signal 9 (Killed)"));
}

}  // namespace
}  // namespace w2s::e2e
