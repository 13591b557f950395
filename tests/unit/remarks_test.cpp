// What `w2s validate` remarks on valid experiments.
#include "plan/remarks.hpp"

#include <gtest/gtest.h>

#include "../support/plugins.hpp"

namespace w2s {
namespace {

Experiment with_batch(std::int64_t batch) {
  Experiment experiment;
  experiment.models = {{"weak", {"mlp", {}, {}}, "", {}, {}}, {"strong", {"mlp", {}, {}}, "", {}, {}}};
  experiment.pairs = {{"weak", "strong"}};
  experiment.train = {{"batch", batch}};
  MethodSpec naive, confident;
  naive.name = "naive";
  confident.name = "confident";
  confident.loss = {"aux_confidence", {}, {}};
  experiment.methods = {naive, confident};
  return experiment;
}

TEST(Remarks, NameLossesThatTakeStatisticsOfFewRows) {
  const auto found = remarks(with_batch(1), plugins());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("method 'confident': loss 'aux_confidence'"), std::string::npos) << found[0];
  EXPECT_NE(found[0].find("1 row:"), std::string::npos) << found[0];
}

TEST(Remarks, SayNothingOfUsualBatches) { EXPECT_TRUE(remarks(with_batch(32), plugins()).empty()); }

TEST(Remarks, LookAtTheMethodsOwnSettings) {
  Experiment experiment = with_batch(32);
  experiment.methods[1].train = {{"batch", 4}};
  EXPECT_EQ(remarks(experiment, plugins()).size(), 1u);
}

}  // namespace
}  // namespace w2s
