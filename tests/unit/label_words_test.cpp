// train.head_init = "label_words": which words, and what is refused.
#include "engine/label_words.hpp"

#include <gtest/gtest.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

using Words = std::vector<std::string>;

TrainParams with(const Words& words) {
  TrainParams train;
  train.head_init = HeadInit::label_words;
  train.label_words = words;
  return train;
}

std::string refusal(const Words& words, TaskKind kind, std::int64_t classes) {
  try {
    label_words(with(words), kind, classes);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(LabelWords, AreTheNumbersOfTheClassesByDefault) {
  EXPECT_EQ(label_words(with({}), TaskKind::classification, 3), (Words{"0", "1", "2"}));
  EXPECT_EQ(label_words(with({"bad", "good"}), TaskKind::classification, 2), (Words{"bad", "good"}));
}

TEST(LabelWords, AreOneAClass) {
  EXPECT_EQ(refusal({"bad", "good"}, TaskKind::classification, 3),
            "label_words names 2 words, the task has 3 classes");
  EXPECT_EQ(refusal({}, TaskKind::preference, 2), "head_init = \"label_words\" is for tasks with classes");
}

}  // namespace
}  // namespace w2s
