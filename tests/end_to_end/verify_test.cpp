// w2s verify: a run done again from its record alone.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const char* const kLoss = R"(#include <w2s/plugin.hpp>
class Mine final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("mine"); }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    return (in.logits.softmax(1) - in.targets).square().sum(1) / 2.0;
  }
};
W2S_LOSS(Mine, "mine");
)";

class Verify : public testing::Test {
 protected:
  std::string key_of(const std::string& kind) const {
    const auto ledger = nlohmann::json::parse(bench.read("runs/experiments/tiny.json"));
    for (const auto& record : ledger.at("records")) {
      if (record.at("kind") == kind) return record.at("key");
    }
    return "";
  }
  const Workbench bench;
};

TEST_F(Verify, EveryRunOfASweepComesOutInTheSameBits) {
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--seeds", "1"}).status, 0);
  const auto ledger = nlohmann::json::parse(bench.read("runs/experiments/tiny.json"));
  Arguments arguments{"verify"};
  for (const auto& record : ledger.at("records"))
    arguments.push_back(record.at("key").get<std::string>().substr(0, 16));
  ASSERT_EQ(arguments.size(), 5u);
  const Outcome verified = bench.w2s(arguments);
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
  std::size_t count = 0;
  for (std::size_t at = 0; (at = verified.out.find("verified: the same bits\n", at)) != std::string::npos;
       ++at)
    ++count;
  EXPECT_EQ(count, 4u) << verified.out;
  EXPECT_THAT(verified.out, Not(HasSubstr("DIFFERENT")));
}

TEST_F(Verify, AnEditedPluginIsNamedWithWhatItChanged) {
  bench.write("mine.cpp", kLoss);
  bench.edit("tiny.toml", "loss = \"gce\"", "loss = \"mine\"");
  bench.edit("tiny.toml", "[methods.naive]\n", "");
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--seeds", "1", "--plugin", "mine.cpp"}).status, 0);
  const std::string key = key_of("student");
  EXPECT_EQ(bench.w2s({"verify", key}).status, 0);
  bench.edit("mine.cpp", "/ 2.0", "/ 3.0");
  const Outcome other = bench.w2s({"verify", key});
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(has_match(other.out, "  DIFFERENT loss/mine: was …, is …\n")) << other.out;
  EXPECT_THAT(other.out, Not(HasSubstr("DIFFERENT engine")));
  EXPECT_TRUE(has_match(other.out, "  same      weights of weak (…): the same bits\n")) << other.out;
  EXPECT_TRUE(has_match(other.out, "  DIFFERENT weights of strong (…): largest difference …\n")) << other.out;
  EXPECT_TRUE(
      has_match(other.out, "  DIFFERENT predictions: largest difference …\nNOT verified: other bits\n"))
      << other.out;
}

TEST_F(Verify, ChangedDataAreTold) {
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--seeds", "1"}).status, 0);
  write_images(bench.path("data"), "train", 600, 3);
  const Outcome other = bench.w2s({"verify", key_of("floor")});
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(has_match(other.out, "  DIFFERENT task, data and split: was …, is …\n")) << other.out;
}

}  // namespace
}  // namespace w2s::e2e
