#include "report/curves.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace w2s {
namespace {

TEST(Curves, HeightsGoFromTheLowestToTheHighest) {
  EXPECT_EQ(sparkline({0, 1, 2, 3, 4, 5, 6, 7, 8}, 20), "▁▂▃▄▅▆▇██");
  EXPECT_EQ(sparkline({3, 3}, 20), "▁▁");
  EXPECT_EQ(sparkline({1, NAN, 2}, 20), "▁ █");
  EXPECT_EQ(sparkline({}, 20), "");
}

TEST(Curves, LongOnesAreAveraged) { EXPECT_EQ(sparkline({0, 0, 8, 8}, 2), "▁█"); }

TEST(Curves, OfALogAreItsLossAndItsValidation) {
  const auto lines = curves_of_log(
      "{\"step\":0,\"loss\":0.75}\n{\"step\":1,\"loss\":0.5,\"validation_agreement\":0.625}\nnot json\n", 10);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "loss                         0.75     █▁ 0.5");
  EXPECT_EQ(lines[1], "validation agreement         0.625    ▁ 0.625");
  EXPECT_TRUE(curves_of_log("", 10).empty());
}

}  // namespace
}  // namespace w2s
