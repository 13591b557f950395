// Models that cannot know anything: the labels have nothing to do with the images.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;

/// The same labels in a random order.
void shuffle_labels(const Workbench& bench, const std::string& name, unsigned seed) {
  std::string bytes = bench.read(name);
  std::mt19937 random(seed);
  for (std::size_t i = bytes.size() - 1; i > 8; --i) std::swap(bytes[i], bytes[8 + random() % (i - 7)]);
  bench.write(name, bytes);
}

TEST(AtChance, NoMethodHasAPgrAndNoneIsSignificant) {
  const Workbench bench;
  shuffle_labels(bench, "data/train-labels-idx1-ubyte", 3);
  shuffle_labels(bench, "data/t10k-labels-idx1-ubyte", 4);
  bench.write_experiment("chance.toml", R"(
[methods.aux_confidence]
loss = "aux_confidence"

[methods.confidence_filter]
strategy = ["confidence_filter"]
)");
  const Outcome run = bench.w2s({"run", "chance.toml", "--seeds", "0,1,2", "--no-isolation", "--quiet"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("undefined"));
  const nlohmann::json rows = nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out);
  ASSERT_EQ(rows.size(), 4u);
  for (const nlohmann::json& row : rows) {
    SCOPED_TRACE(row.at("method"));
    EXPECT_NEAR(row.at("student").at("mean").get<double>(), 0.5, 0.1);
    EXPECT_TRUE(row.at("pgr").is_null());
    EXPECT_THAT(row.at("pgr_reason").get<std::string>(), HasSubstr("not clearly positive"));
    if (row.contains("comparison")) {
      EXPECT_GT(row.at("comparison").at("p_holm").get<double>(), 0.05);
    }
  }
  const nlohmann::json seeds =
      nlohmann::json::parse(bench.w2s({"leaderboard", "--json", "--by", "seed"}).out);
  EXPECT_EQ(seeds.size(), 12u);
}

}  // namespace
}  // namespace w2s::e2e
