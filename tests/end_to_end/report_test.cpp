// What a user sees of report.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

nlohmann::json data_of(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(start) + start.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Report, PageHoldsTheLeaderboardAndEveryRun) {
  const Workbench bench;
  ASSERT_EQ(bench.w2s({"run", "tiny.toml"}).status, 0);
  const Outcome outcome = bench.w2s({"report", "tiny", "--out", "tiny.html"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("tiny.html: 2 rows, 8 runs, "));
  const std::string page = bench.read("tiny.html");
  EXPECT_LT(page.size(), 3'000'000u);
  EXPECT_THAT(page, StartsWith("<!DOCTYPE html>"));
  const nlohmann::json data = data_of(page);
  nlohmann::json rows = data.at("rows");
  for (nlohmann::json& row : rows) {
    EXPECT_EQ(row.at("runs").size(), 2u);
    row.erase("runs");
    row.erase("block");
  }
  EXPECT_EQ(rows, nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out));
  for (const nlohmann::json& run : data.at("runs")) {
    EXPECT_FALSE(run.at("fits").empty());
    EXPECT_EQ(run.at("reliability").at("test").size(), 15u);
    EXPECT_EQ(run.contains("against_supervisor"), run.at("kind") == "student");
  }
  for (const nlohmann::json& fit : data.at("fits")) EXPECT_FALSE(fit.at("log").at("loss").empty());
  ASSERT_EQ(bench.w2s({"report", "tiny", "--out", "again.html"}).status, 0);
  EXPECT_EQ(bench.read("again.html"), page);
}

TEST(Report, WhatCannotBeWrittenOrIsNotThereIsSaidAndNothingIsWritten) {
  const Workbench bench;
  ASSERT_EQ(bench.w2s({"run", "tiny.toml"}).status, 0);
  const Outcome folder = bench.w2s({"report", "--out", "nowhere/report.html"});
  EXPECT_EQ(folder.status, 2);
  EXPECT_THAT(folder.err, HasSubstr("--out: there is no folder 'nowhere'"));
  EXPECT_EQ(bench.w2s({"report", "--out", "data"}).status, 2);
  const Outcome experiment = bench.w2s({"report", "tyni"});
  EXPECT_EQ(experiment.status, 2);
  EXPECT_THAT(experiment.err, HasSubstr("there is no experiment 'tyni' in 'runs'; there are 'tiny'"));
  EXPECT_EQ(bench.w2s({"report", "--runs", "elsewhere"}).status, 2);
  EXPECT_FALSE(std::filesystem::exists(bench.path("report.html")));
}

}  // namespace
}  // namespace w2s::e2e
