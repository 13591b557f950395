// Where a process of a team stands, as launchers say it, and which examples it takes.
#include "engine/team/team_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <w2s/error.hpp>

#include "engine/team/shares.hpp"

namespace w2s {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<TeamPlace> place_in(const Variables& variables) {
  return team_place([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal_of(const Variables& variables) {
  try {
    place_in(variables);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(TeamPlace, IsNothingForAProcessThatWasStartedAlone) {
  EXPECT_FALSE(place_in({}));
  EXPECT_FALSE(place_in({{"OMPI_COMM_WORLD_RANK", "0"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                         {"OMPI_COMM_WORLD_SIZE", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}}));
}

TEST(TeamPlace, BatchScriptsAndTasksOfJobArraysAreNoTeams) {
  EXPECT_FALSE(place_in({{"SLURM_JOB_ID", "17"},
                         {"SLURM_NTASKS", "4"},
                         {"SLURM_PROCID", "0"},
                         {"SLURM_ARRAY_TASK_ID", "3"},
                         {"SLURM_LOCALID", "0"}}));
}

TEST(TeamPlace, ReadsWhatTorchrunSays) {
  const Variables variables{{"RANK", "3"},
                            {"LOCAL_RANK", "1"},
                            {"WORLD_SIZE", "4"},
                            {"MASTER_ADDR", "node01"},
                            {"MASTER_PORT", "29500"},
                            {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                            {"TORCHELASTIC_RESTART_COUNT", "2"},
                            {"SLURM_STEP_NUM_TASKS", "2"},
                            {"SLURM_PROCID", "1"}};
  const auto place = place_in(variables);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->launcher, "torchrun") << "it was started by srun, and starts processes itself";
  EXPECT_EQ(place->rank, 3);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_EQ(place->size, 4);
  EXPECT_EQ(place->address, "node01");
  EXPECT_EQ(place->port, 29500);
  EXPECT_TRUE(place->served);
  EXPECT_EQ(place->attempt, "2");
}

TEST(TeamPlace, ReadsWhatMpirunSays) {
  const Variables one_host{{"OMPI_COMM_WORLD_RANK", "1"},
                           {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                           {"OMPI_COMM_WORLD_SIZE", "2"},
                           {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  const auto place = place_in(one_host);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 1);
  EXPECT_EQ(place->address, "127.0.0.1");
  EXPECT_EQ(place_in(one_host)->port, place->port) << "processes of one parent meet at one port";
  Variables several = one_host;
  several["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  EXPECT_THAT(refusal_of(several), testing::HasSubstr("set MASTER_ADDR to the host of rank 0"));
  several["MASTER_ADDR"] = "node07";
  EXPECT_EQ(place_in(several)->address, "node07");
  const auto mpich = place_in({{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}, {"MASTER_PORT", "1234"}});
  ASSERT_TRUE(mpich);
  EXPECT_EQ(mpich->rank, 2);
  EXPECT_EQ(mpich->local_rank, 2);
  EXPECT_EQ(mpich->port, 1234);
}

TEST(TeamPlace, ReadsWhatSrunSays) {
  Variables step{{"SLURM_JOB_ID", "17"},
                 {"SLURM_STEP_ID", "0"},
                 {"SLURM_STEP_NUM_TASKS", "4"},
                 {"SLURM_STEP_NUM_NODES", "1"},
                 {"SLURM_STEP_NODELIST", "gpu[03-04]"},
                 {"SLURM_PROCID", "2"},
                 {"SLURM_LOCALID", "1"}};
  EXPECT_EQ(place_in(step)->address, "127.0.0.1");
  step["SLURM_STEP_NUM_NODES"] = "2";
  const auto place = place_in(step);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->launcher, "srun");
  EXPECT_EQ(place->rank, 2);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_EQ(place->size, 4);
  EXPECT_EQ(place->address, "gpu03");
  Variables next = step;
  next["SLURM_STEP_ID"] = "1";
  EXPECT_NE(place_in(next)->port, place->port) << "steps of one job may run at once";
  step["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_FALSE(place_in(step));
}

TEST(TeamPlace, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal_of({{"RANK", "one"}, {"WORLD_SIZE", "2"}}),
            "the environment's RANK is 'one': expected a whole number from 0");
  EXPECT_EQ(refusal_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}}),
            "the environment says rank 2 of 2 processes: ranks are counted from 0");
  EXPECT_THAT(refusal_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}),
              testing::HasSubstr("MASTER_PORT is not"));
}

TEST(TeamPlace, TheFirstHostOfASlurmListIsRankZeros) {
  EXPECT_EQ(first_host("node1"), "node1");
  EXPECT_EQ(first_host("alpha,beta[1-2]"), "alpha");
  EXPECT_EQ(first_host("node[03-05,9],other"), "node03");
  EXPECT_EQ(first_host("rack[7,9]-blade,x"), "rack7-blade");
}

TEST(Shares, AreWholeAndTheDearestIsAsCheapAsItCanBe) {
  const std::vector<std::int64_t> costs{3, 9, 1, 2, 8, 2, 1, 4};
  for (const bool padded : {true, false}) {
    const auto cut = shares(costs, 3, padded);
    ASSERT_EQ(cut.size(), 3u);
    std::vector<bool> seen(costs.size(), false);
    std::int64_t dearest = 0;
    for (const auto& run : cut) {
      std::int64_t longest = 0, sum = 0;
      for (const std::int64_t i : run) {
        EXPECT_FALSE(seen[static_cast<std::size_t>(i)]);
        seen[static_cast<std::size_t>(i)] = true;
        longest = std::max(longest, costs[static_cast<std::size_t>(i)]);
        sum += costs[static_cast<std::size_t>(i)];
      }
      dearest = std::max(dearest, padded ? longest * static_cast<std::int64_t>(run.size()) : sum);
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 8);
    // 9 | 8 4 | 3 2 2 1 1: no other cut of the sorted costs has a cheaper dearest run.
    EXPECT_EQ(dearest, padded ? 16 : 12);
  }
}

TEST(Shares, LeaveProcessesWithoutRowsWhereThereAreTooFew) {
  const auto cut = shares({1, 1}, 3, true);
  EXPECT_EQ(cut[0].size() + cut[1].size() + cut[2].size(), 2u);
  EXPECT_TRUE(cut[2].empty());
  EXPECT_EQ(shares({}, 2, false).size(), 2u);
  EXPECT_EQ(shares(std::vector<std::int64_t>(32, 1), 3, true)[2].size(), 10u);
}

TEST(Shares, RangesCoverAllRowsOnce) {
  std::int64_t next = 0;
  for (std::int64_t rank = 0; rank < 3; ++rank) {
    const auto [first, last] = range_of(10, rank, 3);
    EXPECT_EQ(first, next);
    next = last;
  }
  EXPECT_EQ(next, 10);
}

}  // namespace
}  // namespace w2s
