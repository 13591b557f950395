// Groups: jobs that fit linear probes share a process and a training loop. What comes out is what comes out
// one by one, whatever happens to some of them.
#include <signal.h>

#include <filesystem>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/stored.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

std::string broken(const std::string& name) { return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so"; }

const char* const kProbes = R"(
[models.medium]
type = "mlp"
hidden = [12]

[methods.aux]
loss = "aux_confidence"
)";

const char* const kStrategies = R"(
[methods.memory]
loss = "early_learning"

[methods.early]
[methods.early.train]
early_stopping = true
patience = 2

[methods.ladder]
strategy = [{ type = "bootstrap", ladder = ["medium"] }]

[methods.twice]
strategy = ["self_train"]

[methods.leaves]
strategy = ["self_train", { type = "lp_ft", epochs = 2 }]

[methods.pair]
strategy = [{ type = "confident_learning", folds = 3 }, "co_teaching"]

[methods.broken]
loss = "throws_mid_training"
)";

// Every record but for its cost and where it came from; of its cost the number of its fits.
std::map<std::string, nlohmann::json> records(const std::string& runs) {
  std::map<std::string, nlohmann::json> found;
  for (const auto& entry : fs::recursive_directory_iterator(runs + "/objects")) {
    if (entry.path().filename() != "manifest.json") continue;
    const nlohmann::json manifest = nlohmann::json::parse(read_whole(entry.path()));
    if (manifest.at("kind") != "record") continue;
    nlohmann::json record = manifest.at("record");
    EXPECT_GT(record.at("cost").at("seconds").get<double>(), 0);
    record["cost"] = record.at("cost").at("fits");
    record.erase("provenance");
    found[manifest.at("key")] = record;
  }
  return found;
}

// "fits: 8 computed, 2 found in the store"
std::string fits_line(const Outcome& run) {
  std::smatch match;
  return std::regex_search(run.err, match, std::regex("fits: \\d+ computed, \\d+ found in the store"))
             ? match.str()
             : run.err;
}

// Reasons of failures and the jobs that they ended, in order.
std::vector<std::string> failures(const Outcome& run) {
  std::vector<std::string> found;
  const std::regex line("failed: .*|  student .*, log");
  for (auto it = std::sregex_iterator(run.err.begin(), run.err.end(), line); it != std::sregex_iterator();
       ++it)
    found.push_back(it->str());
  return found;
}

class Groups : public testing::Test {
 protected:
  Groups() {
    bench.edit("tiny.toml", "lr = 3e-3", "lr = 3e-3\ntrainable = \"head\"");
    add(kProbes);
  }
  void add(const std::string& more) { bench.write("tiny.toml", bench.read("tiny.toml") + more); }

  // One process at a time.
  Outcome run(const std::string& runs, const Arguments& more = {}) const {
    return bench.w2s(command(runs, more));
  }
  static Arguments command(const std::string& runs, const Arguments& more = {}) {
    Arguments arguments{"run", "tiny.toml", "--runs", runs};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::map<std::string, std::string> stored(const std::string& runs) const {
    return digests(bench.path(runs));
  }

  const Workbench bench;
};

TEST_F(Groups, GiveTheRecordsAndCountsOfJobsOneByOne) {
  add(kStrategies);
  const std::string plugin = broken("throws_mid_training");
  const Outcome together =
      run("together", {"--jobs", "2", "--plugin", plugin, "--tensorboard", bench.path("events")});
  const Outcome apart = run("apart", {"--jobs", "1", "--plugin", plugin, "--group", "1"});
  EXPECT_EQ(together.status, 1);
  EXPECT_THAT(together.err, HasSubstr("2 failed"));
  EXPECT_EQ(apart.out, together.out);
  EXPECT_EQ(fits_line(apart), fits_line(together));
  EXPECT_EQ(failures(apart), failures(together));
  EXPECT_EQ(stored("apart"), stored("together"));
  EXPECT_EQ(records(bench.path("apart")), records(bench.path("together")));

  // Files of their own for every fit and job.
  std::size_t events = 0;
  for (const auto& entry : fs::recursive_directory_iterator(bench.path("events")))
    events += entry.is_regular_file();
  EXPECT_GE(events, static_cast<std::size_t>(fits_computed(together)));
  for (const auto& log : fs::directory_iterator(bench.path("together/logs"))) {
    const std::string text = read_whole(log.path());
    const bool is_broken = text.starts_with("student broken");
    EXPECT_EQ(text.find("error: ") != std::string::npos, is_broken) << text;
    EXPECT_EQ(text.find("throws_mid_training") != std::string::npos, is_broken) << text;
  }
}

TEST_F(Groups, ACrashFailsItsOwnJobAndNothingElse) {
  const Outcome sound = run("sound", {"--jobs", "1"});
  ASSERT_EQ(sound.status, 0) << sound.err;
  add("\n[methods.crashes]\nloss = \"misbehaves\"\n");
  const Outcome crashed = run("crashed", {"--jobs", "1", "--plugin", broken("misbehaves")});
  EXPECT_EQ(crashed.status, 1);
  EXPECT_THAT(crashed.err, HasSubstr("a group of jobs ended by signal 11 (Segmentation fault): those that it "
                                     "has not done, 8, are run one by one"));
  EXPECT_EQ(
      failures(crashed).at(0),
      "failed: ended by signal 11 (Segmentation fault), with loss 'misbehaves' (fit strong, step 2 of 32)");
  EXPECT_THAT(crashed.err, HasSubstr("10 run now, 2 failed"));
  EXPECT_EQ(stored("crashed"), stored("sound"));
}

TEST_F(Groups, AJobThatNeverReturnsIsEndedAndTheOthersAreDone) {
  add("\n[methods.hangs]\nloss = { type = \"misbehaves\", how = \"hang\" }\n");
  const Outcome run = this->run(
      "runs", {"--seeds", "0", "--jobs", "1", "--job-timeout", "4", "--plugin", broken("misbehaves")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err,
              HasSubstr("a group of jobs ended after 4 s (--job-timeout): those that it has not done, "
                        "4, are run one by one"));
  EXPECT_THAT(run.err, HasSubstr("failed: ended after 4 s (--job-timeout), with loss 'misbehaves'"));
  EXPECT_THAT(run.err, HasSubstr("5 run now, 1 failed"));
}

TEST_F(Groups, AJobThatEatsTheMemoryIsEndedAndTheOthersAreDone) {
  add("\n[methods.eats]\nloss = \"leaks\"\n");
  const Outcome run =
      this->run("runs", {"--seeds", "0", "--jobs", "1", "--memory", "500M", "--plugin", broken("leaks")});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(has_match(run.err, "a group of jobs ended at … MiB of memory (--memory 500.0 MiB): those that"))
      << run.err;
  EXPECT_TRUE(has_match(run.err, "failed: ended at … of memory (--memory 500.0 MiB), with loss 'leaks'"))
      << run.err;
  EXPECT_THAT(run.err, HasSubstr("5 run now, 1 failed"));
}

TEST_F(Groups, CtrlCSavesAllProbesAndTheNextRunGoesOnToTheSameBits) {
  for (const std::string line : {"[methods.naive]\n", "loss = \"gce\"\n", "loss = \"aux_confidence\"\n"})
    bench.edit("tiny.toml", line, line + "train = { epochs = 20 }\n");
  ASSERT_EQ(run("undisturbed", {"--seeds", "0", "--jobs", "1"}).status, 0);
  Process stopped(bench.folder(), bench.w2s_command(command(
                                      "runs", {"--seeds", "0", "--jobs", "1", "--checkpoint-minutes", "0"})));
  ASSERT_TRUE(stopped.wait_for("[2/5]"));  // floor and ceiling; students are next
  ASSERT_TRUE(stopped.wait_until([&] { return has_checkpoint(bench.path("runs")); }));
  stopped.send(SIGINT);
  const Outcome ended = stopped.wait();
  EXPECT_EQ(ended.status, 130) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("5 jobs: 0 done before, 2 run now, 3 not run"));
  const Outcome again = run("runs", {"--seeds", "0", "--jobs", "1"});
  EXPECT_EQ(again.status, 0) << again.err;
  const std::string logs = all_logs(bench.path("runs"));
  std::size_t resumed = 0;
  for (std::size_t at = 0; (at = logs.find("goes on from a checkpoint, after ", at)) != std::string::npos;
       ++at)
    ++resumed;
  EXPECT_EQ(resumed, 3u) << logs;
  EXPECT_FALSE(has_checkpoint(bench.path("runs")));
  EXPECT_EQ(stored("runs"), stored("undisturbed"));
}

TEST_F(Groups, TheFirstFailureEndsTheGroupWhereAsked) {
  bench.edit("tiny.toml", "[methods.naive]\n",
             "[methods.broken]\nloss = \"throws_mid_training\"\n\n[methods.naive]\n");
  const Outcome run = this->run(
      "runs", {"--seeds", "0", "--jobs", "1", "--fail-fast", "--plugin", broken("throws_mid_training")});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("6 jobs: 0 done before, 2 run now, 1 failed, 3 not run"));
}

TEST_F(Groups, WhatFailsOnceIsTriedAgainAlone) {
  add("\n[methods.fragile]\nloss = { type = \"fails_once\", marker = \"" + bench.path("marker") + "\" }\n");
  const Outcome run =
      this->run("runs", {"--seeds", "0", "--jobs", "1", "--retry", "1", "--plugin", broken("fails_once")});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the first time (fit strong, step 2 of 32); trying again (1 of 1)"));
}

TEST_F(Groups, TwoSweepsOverOneStoreComputeEachFitOnce) {
  add("\n[methods.twice]\nstrategy = [\"self_train\"]\n");
  const Outcome alone = run("alone");
  ASSERT_EQ(alone.status, 0) << alone.err;
  const Arguments both = bench.w2s_command(command("runs", {"--jobs", "1"}));
  Process one(bench.folder(), both), two(bench.folder(), both);
  const Outcome first = one.wait(), second = two.wait();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(fits_computed(first) + fits_computed(second), fits_computed(alone)) << first.err << second.err;
  EXPECT_EQ(first.out, second.out);
  EXPECT_EQ(stored("runs"), stored("alone"));
}

}  // namespace
}  // namespace w2s::e2e
