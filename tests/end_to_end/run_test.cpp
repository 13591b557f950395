// What a user sees of run, plan, leaderboard, show, describe, list and store.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// One run of tiny.toml that the read-only tests share.
class AfterARun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Workbench;
    first = new Outcome(bench->w2s({"run", "tiny.toml"}));
  }
  static void TearDownTestSuite() {
    delete bench;
    delete first;
  }
  static nlohmann::json leaderboard(const Arguments& more = {}) {
    Arguments arguments{"leaderboard", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(bench->w2s(arguments).out);
  }
  static inline Workbench* bench = nullptr;
  static inline Outcome* first = nullptr;
};

TEST_F(AfterARun, EveryFitWasComputedOnceAndSharedBetweenMethods) {
  EXPECT_EQ(first->status, 0) << first->err;
  EXPECT_THAT(first->err,
              HasSubstr("8 jobs: 0 done before, 8 run now; fits: 8 computed, 4 found in the store"));
  EXPECT_THAT(first->out, StartsWith("tiny: weak → strong\n"));
}

TEST_F(AfterARun, ASecondRunComputesNothingAndPrintsTheSameTable) {
  const Outcome second = bench->w2s({"run", "tiny.toml"});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.out, first->out);
  EXPECT_THAT(second.err, HasSubstr("8 jobs: 8 done before, 0 run now; fits: 0 computed"));
}

TEST_F(AfterARun, LeaderboardPrintsTheTableOfTheRun) {
  EXPECT_EQ(bench->w2s({"leaderboard"}).out, first->out);
}

TEST_F(AfterARun, PlanTellsWhatIsDoneAndWritesNothing) {
  const Outcome done = bench->w2s({"plan", "tiny.toml"});
  EXPECT_THAT(done.out, HasSubstr("student gce: weak → strong, seed 1  fits "));
  EXPECT_THAT(done.out, EndsWith("8 jobs: 8 done, 0 open\n"));
  const Outcome open = bench->w2s({"plan", "tiny.toml", "--runs", "other", "--summary"});
  EXPECT_EQ(open.out, "8 jobs: 0 done, 8 open\n");
  EXPECT_FALSE(std::filesystem::exists(bench->path("other")));
}

TEST_F(AfterARun, TheResolvedExperimentGivesTheSameNumbersWithoutAFit) {
  bench->write("again.toml", bench->read("runs/experiments/tiny.toml"));
  const Outcome again = bench->w2s({"run", "again.toml"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, first->out);
  EXPECT_EQ(fits_computed(again), 0);
  EXPECT_EQ(jobs_done_before(again), 8);
}

TEST_F(AfterARun, LeaderboardJsonHasOneObjectPerMethod) {
  const nlohmann::json rows = leaderboard();
  ASSERT_EQ(rows.size(), 2u);
  for (const nlohmann::json& row : rows) {
    EXPECT_EQ(row.at("task"), "tiny");
    EXPECT_EQ(row.at("weak"), "weak");
    EXPECT_EQ(row.at("strong"), "strong");
    EXPECT_TRUE(row.at("method") == "naive" || row.at("method") == "gce");
    EXPECT_EQ(row.at("metric"), "accuracy");
    EXPECT_EQ(row.at("seeds"), 2);
    for (const char* baseline : {"floor", "ceiling"}) {
      EXPECT_TRUE(row.at(baseline).at("mean").is_number());
      EXPECT_TRUE(row.at(baseline).at("se").is_number());
    }
    EXPECT_EQ(row.at("student").at("ci").size(), 2u);
    if (row.at("pgr").is_null()) {
      EXPECT_FALSE(row.at("pgr_reason").get<std::string>().empty());
    } else {
      EXPECT_EQ(row.at("pgr").at("ci").size(), 2u);
      const double floor = row["floor"]["mean"], ceiling = row["ceiling"]["mean"],
                   student = row["student"]["mean"];
      EXPECT_NEAR(row["pgr"]["mean"].get<double>(), (student - floor) / (ceiling - floor), 1e-9);
    }
  }
}

TEST_F(AfterARun, PgrIsNullWithAReasonWhereTheCeilingIsNotAboveTheFloor) {
  const Outcome run =
      bench->w2s({"run", "tiny.toml", "--set", "name=level", "--set", "models.strong.rows=[2,5]", "--set",
                  "models.strong.columns=[1,6]", "--set", "models.strong.hidden=[8]"});
  ASSERT_EQ(run.status, 0) << run.err;
  for (const nlohmann::json& row : leaderboard({"level"})) {
    EXPECT_TRUE(row.at("pgr").is_null());
    EXPECT_FALSE(row.at("pgr_reason").get<std::string>().empty());
  }
  EXPECT_THAT(run.out, HasSubstr("undefined"));
}

TEST_F(AfterARun, LeaderboardComesInEveryFormat) {
  for (const char* format : {"table", "markdown", "csv", "json", "latex"}) {
    const Outcome board = bench->w2s({"leaderboard", "tiny", "--format", format});
    EXPECT_EQ(board.status, 0) << format;
    EXPECT_THAT(board.out, HasSubstr("gce")) << format;
  }
  EXPECT_THAT(bench->w2s({"leaderboard", "tiny", "--method", "gce"}).out, Not(HasSubstr("naive  ")));
}

TEST_F(AfterARun, ShowGivesTheRecordOfAKeyOfThePlan) {
  const std::string plan = bench->w2s({"plan", "tiny.toml"}).out;
  const std::string key = plan.substr(plan.find("  ") + 2, 12);
  const Outcome text = bench->w2s({"show", key});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("floor " + key));
  EXPECT_THAT(text.out, HasSubstr("accuracy"));
  const auto record = nlohmann::json::parse(bench->w2s({"show", key, "--json"}).out);
  EXPECT_EQ(record.at("kind"), "floor");
  EXPECT_THAT(bench->w2s({"show", key, "--config"}).out, HasSubstr("[models.weak]"));
}

TEST_F(AfterARun, ListAndDescribeComeFromThePlugins) {
  EXPECT_THAT(bench->w2s({"list"}).out, HasSubstr("\nloss\n"));
  const Outcome losses = bench->w2s({"list", "loss"});
  EXPECT_THAT(losses.out, HasSubstr("gce"));
  EXPECT_THAT(losses.out, Not(HasSubstr("mlp")));
  EXPECT_THAT(bench->w2s({"describe", "loss/gce"}).out, HasSubstr("{ type = \"gce\", q = 0.7 }"));
}

TEST_F(AfterARun, ListIsCutToTheTerminal) {
  if (!Workbench::has_terminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const Outcome list = bench->on_terminal(50, "list loss");
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.out, HasSubstr("…"));
  EXPECT_THAT(bench->w2s({"list", "loss"}).out, Not(HasSubstr("…\n")));
}

TEST_F(AfterARun, TheStoreIsSoundAndItsIndexCanBeRebuilt) {
  EXPECT_THAT(bench->w2s({"store", "verify"}).out, EndsWith(" objects checked\n"));
  EXPECT_THAT(bench->w2s({"store", "du"}).out, HasSubstr("record"));
  for (const auto& file : std::filesystem::directory_iterator(bench->path("runs"))) {
    if (file.path().filename().string().starts_with("index.sqlite")) std::filesystem::remove(file.path());
  }
  const Outcome without_index = bench->w2s({"leaderboard", "tiny"});
  EXPECT_EQ(without_index.out, first->out);
  EXPECT_EQ(bench->w2s({"store", "reindex"}).status, 0);
  EXPECT_EQ(bench->w2s({"leaderboard", "tiny"}).out, first->out);
}

TEST_F(AfterARun, RunningOnATerminalRedrawsOneLineAndElsewherePrintsPlainLines) {
  EXPECT_THAT(first->err, Not(HasSubstr("\033")));
  EXPECT_THAT(first->err, Not(HasSubstr("\r")));
  if (!Workbench::has_terminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const Outcome terminal = bench->on_terminal(100, "run tiny.toml --runs shown");
  EXPECT_EQ(terminal.status, 0) << terminal.out;
  EXPECT_THAT(terminal.out, HasSubstr("\r[0/8] "));
  EXPECT_THAT(terminal.out, HasSubstr("\033[K"));
  EXPECT_THAT(terminal.out, HasSubstr("accuracy"));
}

TEST_F(AfterARun, TheTableKeepsToTheTerminalAndIsPlainWhereItHasTo) {
  const auto widest = [](const std::string& text) {
    std::size_t most = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const auto columns = std::count_if(line.begin(), line.end(), [](unsigned char c) {
        return (c & 0xC0) != 0x80;  // not the rest of a character; the table has none of two columns
      });
      most = std::max(most, static_cast<std::size_t>(columns));
    }
    return most;
  };
  EXPECT_THAT(first->out, Not(HasSubstr("\033")));
  EXPECT_LE(widest(first->out), 100u);
  EXPECT_GT(widest(first->out), 80u);  // the next would show nothing else
  if (!Workbench::has_terminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const std::string run = "run tiny.toml --quiet 2>/dev/null";
  const Outcome coloured = bench->on_terminal(100, run);
  EXPECT_THAT(coloured.out, HasSubstr("\033[1mtiny: weak → strong\033[0m"));
  const Outcome plain = bench->command(
      {"env", "NO_COLOR=1", "script", "-qec", "stty cols 100 && " W2S_COMMAND " " + run, "/dev/null"});
  EXPECT_EQ(replace_all(plain.out, "\r", ""), first->out);
  const std::string narrow = replace_all(bench->on_terminal(80, "leaderboard tiny").out, "\r", "");
  EXPECT_EQ(replace_all(bench->on_terminal(80, run).out, "\r", ""), narrow);
  EXPECT_LE(widest(std::regex_replace(narrow, std::regex("\033\\[[0-9]m"), "")), 80u);
}

TEST_F(AfterARun, WithoutIsolationTheNumbersAreTheSame) {
  const Outcome here = bench->w2s({"run", "tiny.toml", "--runs", "here", "--no-isolation", "--quiet"});
  EXPECT_EQ(here.status, 0) << here.err;
  EXPECT_EQ(here.out, first->out);
}

TEST(Run, SeedsSetAndSweepChangeTheExperiment) {
  const Workbench bench;
  EXPECT_THAT(bench.w2s({"plan", "tiny.toml", "--seeds", "3"}).out, EndsWith("4 jobs: 0 done, 4 open\n"));
  const Outcome swept = bench.w2s({"run", "tiny.toml", "--seeds", "0", "--set", "train.epochs=2", "--sweep",
                                   "methods.gce.loss.q=0.3,0.9", "--set", "methods.gce.loss={type='gce'}"});
  ASSERT_EQ(swept.status, 0) << swept.err;
  // Floor, ceiling and naive are the same at both points of the sweep.
  EXPECT_EQ(fits_computed(swept), 5) << swept.err;
  const auto rows = nlohmann::json::parse(bench.w2s({"leaderboard", "--json", "--method", "gce"}).out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_NE(rows[0].at("variant"), rows[1].at("variant"));
}

TEST(Run, EarlyStoppingReportsTheOracleApart) {
  const Workbench bench;
  const Outcome run = bench.w2s({"run", "tiny.toml", "--set", "train.early_stopping=true"});
  ASSERT_EQ(run.status, 0) << run.err;
  for (const auto& row : nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out)) {
    ASSERT_TRUE(row.at("oracle").is_number()) << row.at("method");
  }
}

TEST(Store, GcKeepsWhatExperimentsListAndVerifyFindsDamage) {
  const Workbench bench;
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--seeds", "0,1"}).status, 0);
  const Outcome one_seed = bench.w2s({"run", "tiny.toml", "--seeds", "0"});
  const std::string before = bench.w2s({"store", "du"}).out;
  const std::string dry = bench.w2s({"store", "gc", "--dry-run"}).out;
  EXPECT_THAT(dry, StartsWith("would remove "));
  EXPECT_THAT(dry, HasSubstr("\n  records of tiny: ceiling 1, floor 1, gce 1, naive 1\n"));
  EXPECT_EQ(bench.w2s({"store", "du"}).out, before);
  EXPECT_THAT(bench.w2s({"store", "gc"}).out, StartsWith("removed "));
  EXPECT_NE(bench.w2s({"store", "du"}).out, before);
  EXPECT_EQ(bench.w2s({"leaderboard"}).out, one_seed.out);
  EXPECT_EQ(fits_computed(bench.w2s({"run", "tiny.toml", "--seeds", "0"})), 0);

  std::string victim;
  for (const auto& file : std::filesystem::recursive_directory_iterator(bench.path("runs/objects"))) {
    if (file.path().filename() == "predictions.safetensors") victim = file.path().string();
  }
  ASSERT_FALSE(victim.empty());
  std::filesystem::resize_file(victim, 10);
  const Outcome verify = bench.w2s({"store", "verify"});
  EXPECT_EQ(verify.status, 1);
  EXPECT_THAT(verify.out, HasSubstr("predictions.safetensors"));
}

TEST(Command, EveryOneExplainsItself) {
  const Workbench bench;
  std::istringstream lines(bench.w2s({"--help"}).out);
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ")) continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    const Outcome help = bench.w2s({name, "--help"});
    EXPECT_EQ(help.status, 0) << name << help.err;
    EXPECT_THAT(help.out, HasSubstr("usage: w2s " + name));
    EXPECT_EQ(help.err, "") << name;
    ++commands;
  }
  EXPECT_GE(commands, 8);
}

TEST(Command, AloneShowsItsCommandsAndHelpAndVersionSucceed) {
  const Workbench bench;
  const Outcome alone = bench.w2s({});
  EXPECT_EQ(alone.status, 2);
  EXPECT_THAT(alone.out, HasSubstr("usage: w2s COMMAND"));
  const Outcome help = bench.w2s({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.out, alone.out);
  const Outcome version = bench.w2s({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, StartsWith("w2s "));
}

// OMP_WAIT_POLICY of the processes that this command starts.
std::string wait_policy(const Workbench& bench, const Arguments& set, const std::string& threads) {
  Arguments command{"env", "-u", "OMP_WAIT_POLICY", "-u", "GOMP_SPINCOUNT"};
  command.insert(command.end(), set.begin(), set.end());
  command.insert(command.end(), {W2S_COMMAND, "run", "tiny.toml", "--threads", threads, "--runs",
                                 "runs" + std::to_string(set.size()) + threads});
  Process run(bench.folder(), command);
  std::string found;
  EXPECT_TRUE(run.wait_until([&] {
    for (const pid_t child : run.children()) {
      std::ifstream file("/proc/" + std::to_string(child) + "/environ", std::ios::binary);
      for (std::string variable; std::getline(file, variable, '\0');) {
        if (found.empty()) found = "unset";
        if (variable.starts_with("OMP_WAIT_POLICY=")) found = variable.substr(16);
      }
    }
    return !found.empty();
  }));
  EXPECT_EQ(run.wait().status, 0);
  return found;
}

TEST(Run, LetsIdleThreadsSleepWhereMatrixProductsHaveThreadsOfTheirOwn) {
  const Workbench bench;
  const Outcome openblas = bench.command(
      {"sh", "-c", "ldd " W2S_COMMAND "-engine | awk '/libopenblas/ { print $3 }' | xargs -r readlink -f"});
  ASSERT_EQ(openblas.status, 0) << openblas.err;
  const bool own = openblas.out.find("pthread") != std::string::npos;  // Debian's name of the build
  EXPECT_EQ(wait_policy(bench, {}, "2"), own ? "PASSIVE" : "unset");
  EXPECT_EQ(wait_policy(bench, {}, "1"), "unset");
  EXPECT_EQ(wait_policy(bench, {"OMP_WAIT_POLICY=ACTIVE"}, "2"), "ACTIVE");
}

TEST(Command, ValidateCountsWhatItChecked) {
  const Workbench bench;
  EXPECT_EQ(bench.w2s({"validate", "tiny.toml"}).out, "tiny: valid: 2 methods × 1 pair × 2 seeds\n");
}

}  // namespace
}  // namespace w2s::e2e
