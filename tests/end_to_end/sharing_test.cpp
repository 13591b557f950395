// What a user sees who sends results to a colleague, and who gets them.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;

TEST(Sharing, RecordsTravelInOneFileAndKeepTheirOrigin) {
  const Workbench bench;
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--no-isolation", "--quiet"}).status, 0);
  const Outcome sent =
      bench.w2s({"leaderboard", "export", "tiny.tar.zst", "tiny", "--from", "the other lab"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  EXPECT_THAT(sent.out, HasSubstr("tiny.tar.zst: 8 records of tiny"));

  const Outcome got = bench.w2s({"leaderboard", "import", "tiny.tar.zst", "--runs", "mine", "--as", "alice"});
  ASSERT_EQ(got.status, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("8 records of tiny, as 'alice'"));
  EXPECT_THAT(got.out, HasSubstr("the numbers of 8 records follow from their predictions"));
  EXPECT_EQ(bench.w2s({"store", "verify", "--runs", "mine/imports/alice"}).status, 0);

  // The same numbers as where they were computed, under the colleague's name.
  const auto table = [&](const Arguments& more) {
    Arguments arguments{"leaderboard", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(bench.w2s(arguments).out);
  };
  nlohmann::json theirs = table({"--runs", "mine"});
  for (nlohmann::json& row : theirs) {
    EXPECT_EQ(row.at("origin"), "alice");
    row.erase("origin");
    row.erase("imported");
    row.at("notes").erase(row.at("notes").begin());
  }
  EXPECT_EQ(theirs, table({}));
  EXPECT_EQ(table({"--runs", "mine", "--runs", "runs"}).size(), 4u);
  EXPECT_EQ(table({"--runs", "mine", "--runs", "runs", "--origin", "alice"}).size(), 2u);

  const Outcome page = bench.w2s({"report", "--runs", "mine", "--out", "theirs.html"});
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(bench.read("theirs.html"), HasSubstr("the other lab"));
}

TEST(Sharing, WhatIsNoArchiveIsRefusedAndLeavesNothing) {
  const Workbench bench;
  const Outcome outcome = bench.w2s({"leaderboard", "import", "tiny.toml", "--runs", "new"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("tiny.toml: it is no archive of w2s records"));
  EXPECT_FALSE(std::filesystem::exists(bench.path("new")));
  EXPECT_EQ(bench.w2s({"leaderboard", "import"}).status, 2);
  EXPECT_EQ(bench.w2s({"leaderboard", "export"}).status, 2);
}

TEST(Sharing, TwoStoresAreShownAsOne) {
  const Workbench bench;
  for (const char* seed : {"0", "1"}) {
    const Arguments run{"run",     "tiny.toml", "--no-isolation", "--quiet",
                        "--seeds", seed,        "--runs",         std::string("runs") + seed};
    ASSERT_EQ(bench.w2s(run).status, 0);
  }
  const Outcome both = bench.w2s({"leaderboard", "--runs", "runs0", "--runs", "runs1", "--json"});
  const nlohmann::json rows = nlohmann::json::parse(both.out);
  ASSERT_EQ(rows.size(), 2u);
  for (const nlohmann::json& row : rows) {
    EXPECT_EQ(row.at("seeds"), 2);
    EXPECT_EQ(row.at("origin"), "runs0, runs1");
  }
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--no-isolation", "--quiet", "--runs", "runs"}).status, 0);
  nlohmann::json merged = rows, whole = nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out);
  for (nlohmann::json* table : {&merged, &whole})
    for (nlohmann::json& row : *table) {
      row.erase("origin");
      row.erase("cost");
    }
  EXPECT_EQ(merged, whole);
}

}  // namespace
}  // namespace w2s::e2e
