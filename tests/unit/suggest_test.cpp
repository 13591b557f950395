#include <w2s/error.hpp>

#include <gtest/gtest.h>

namespace w2s {
namespace {

const std::vector<std::string> kLosses = {"cross_entropy",     "gce", "truncated_gce",
                                          "confidence_window", "mae", "q"};

TEST(DidYouMean, FindsTypingMistakes) {
  EXPECT_EQ(did_you_mean("cros_entropy", kLosses), " (did you mean 'cross_entropy'?)");
  EXPECT_EQ(did_you_mean("gec", kLosses), " (did you mean 'gce'?)");
  EXPECT_EQ(did_you_mean("Cross-Entropy", kLosses), " (did you mean 'cross_entropy'?)");
  EXPECT_EQ(did_you_mean("Q", kLosses), " (did you mean 'q'?)");
}

TEST(DidYouMean, FindsBeginningsAndLongerNames) {
  EXPECT_EQ(did_you_mean("confidence", kLosses), " (did you mean 'confidence_window'?)");
  EXPECT_EQ(did_you_mean("gce_loss", kLosses), " (did you mean 'gce'?)");
}

TEST(DidYouMean, PrefersTheFewestEdits) {
  EXPECT_EQ(did_you_mean("batc", {"batch_size", "batch"}), " (did you mean 'batch'?)");
}

TEST(DidYouMean, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("focal", kLosses), "");
  EXPECT_EQ(did_you_mean("x", kLosses), "");
  EXPECT_EQ(did_you_mean("", kLosses), "");
  EXPECT_EQ(did_you_mean("gce", {}), "");
}

TEST(OneOfList, ReadsAsASentence) {
  EXPECT_EQ(one_of_list({"a", "b", "c"}), "'a', 'b' or 'c'");
  EXPECT_EQ(one_of_list({"a", "b"}), "'a' or 'b'");
  EXPECT_EQ(one_of_list({"a"}), "'a'");
}

}  // namespace
}  // namespace w2s
