// Runs that are killed, interrupted or doubled end in the numbers of an undisturbed one.
#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

class Interruption : public testing::Test {
 protected:
  // Ends a run of one job at a time by this signal, as soon as its first job is done.
  Outcome stopped_by(int signal) {
    Process run(bench.folder(), bench.w2s_command({"run", "tiny.toml", "--jobs", "1"}));
    EXPECT_TRUE(run.wait_for("[1/8]"));
    run.send(signal);
    return run.wait();
  }

  void expect_completed_like_an_undisturbed_run() {
    const Outcome again = bench.w2s({"run", "tiny.toml"});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_GE(jobs_done_before(again), 1);
    EXPECT_LT(jobs_done_before(again), 8);
    const Outcome undisturbed = bench.w2s({"run", "tiny.toml", "--runs", "undisturbed"});
    EXPECT_EQ(again.out, undisturbed.out);
    EXPECT_EQ(bench.w2s({"store", "verify"}).status, 0);
  }

  const Workbench bench;
};

TEST_F(Interruption, AKilledRunGoesOnToTheSameTable) {
  EXPECT_EQ(stopped_by(SIGKILL).status, 128 + SIGKILL);
  expect_completed_like_an_undisturbed_run();
}

TEST_F(Interruption, CtrlCEndsWith130AndKeepsWhatWasDone) {
  const Outcome stopped = stopped_by(SIGINT);
  EXPECT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, testing::ContainsRegex("8 jobs: 0 done before, [1-7] run now, [1-7] not run"));
  expect_completed_like_an_undisturbed_run();
}

TEST_F(Interruption, TwoRunsOfOneStoreComputeEachFitOnce) {
  const Arguments command = bench.w2s_command({"run", "tiny.toml"});
  Process one(bench.folder(), command), two(bench.folder(), command);
  const Outcome first = one.wait(), second = two.wait();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(fits_computed(first) + fits_computed(second), 8) << first.err << second.err;
  EXPECT_EQ(first.out, second.out);
}

}  // namespace
}  // namespace w2s::e2e
