#include <w2s/task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "../support/real_data.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class PreferenceTask : public FolderTest {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  TaskData load(Table params) const {
    params.set("path", folder_.string());
    for (const char* split : {"train", "test"}) {
      if (params.find(split) == nullptr) params.set(split, "a.jsonl");
    }
    return plugins().make_task({"preference", params, {}})->load();
  }
  std::string complaint(Table params) const {
    try {
      load(params);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no complaint";
  }
};

// "better > worse" of each training pair, whichever is shown first.
std::vector<std::string> order(const TaskData& data) {
  std::vector<std::string> pairs;
  const Tensor labels = data.train.labels();
  for (std::int64_t i = 0; i < data.train.size(); ++i) {
    const bool second = labels[i].item<std::int64_t>() == 1;
    pairs.push_back((second ? data.train.second(i) : data.train.text(i)) + " > " +
                    (second ? data.train.text(i) : data.train.second(i)));
  }
  return pairs;
}

TEST_F(PreferenceTask, ThePromptIsWhatTheAnswersShareUpToTheLastSeparator) {
  write("a.jsonl", R"({"chosen": "H: a\nA: b\nH: c\nA: yes, do", "rejected": "H: a\nA: b\nH: c\nA: yes, no"})"
                   "\n"
                   R"({"chosen": "H: a\nA: b\nH: c\nA: ok", "rejected": "H: a\nA: b\nH: c\nA: no"})"
                   "\n"
                   R"({"chosen": "H: a\nA: b", "rejected": "H: a\nA: c"})"
                   "\n");
  const TaskData data = load({{"prompt_until", "A:"}, {"template", "<{prompt}|{answer}>"}});
  EXPECT_EQ(data.kind, TaskKind::preference);
  EXPECT_EQ(data.classes, 2);
  EXPECT_EQ(order(data),
            (std::vector<std::string>{"<H: a\nA: b\nH: c\nA:| yes, do> > <H: a\nA: b\nH: c\nA:| yes, no>",
                                      "<H: a\nA: b\nH: c\nA:| ok> > <H: a\nA: b\nH: c\nA:| no>",
                                      "<H: a\nA:| b> > <H: a\nA:| c>"}));
  EXPECT_EQ(data.train.group(0), data.train.group(1));
  EXPECT_NE(data.train.group(0), data.train.group(2));
}

TEST_F(PreferenceTask, WhichAnswerIsShownSecondIsDrawnForEachRow) {
  std::string rows;
  for (int i = 0; i < 400; ++i) {
    rows += R"({"prompt": "p)" + std::to_string(i) + R"(", "chosen": "good", "rejected": "bad"})" + "\n";
  }
  write("a.jsonl", rows);
  const Table params{{"prompt", "prompt"}};
  const TaskData data = load(params);
  // Four standard deviations of 400 fair draws.
  EXPECT_NEAR(data.train.labels().sum().item<double>(), 200, 40);
  EXPECT_TRUE(data.train.labels().equal(load(params).train.labels()));
  for (std::int64_t i = 0; i < 400; ++i) {
    EXPECT_EQ(data.train.second(i).ends_with("good"), data.train.labels()[i].item<std::int64_t>() == 1);
  }
  Table other = params;
  other.set("seed", 1);
  EXPECT_FALSE(data.train.labels().equal(load(other).train.labels()));
}

TEST_F(PreferenceTask, ScoresMakeEveryPairOfARowAndTiesAreCounted) {
  write("a.jsonl", R"({"q": "?", "a": ["x", "y", "z"], "s": [1, 3.5, 1]})"
                   "\n"
                   R"({"q": "!", "a": ["x", "y"], "s": [-2, -1]})"
                   "\n");
  Table params{{"form", "scores"}, {"prompt", "q"}, {"answers", "a"}, {"scores", "s"}};
  const TaskData all = load(params);
  EXPECT_EQ(order(all), (std::vector<std::string>{"?y > ?x", "?y > ?z", "!y > !x"}));
  EXPECT_EQ(all.train.id(0), "train/1/0-1");
  EXPECT_EQ(all.train.id(2), "train/2");
  EXPECT_THAT(all.notes, testing::Contains("task 'preference': 1 row of 'train' left out: a tie"));
  params.set("pairs", "extremes");
  EXPECT_EQ(order(load(params)), (std::vector<std::string>{"?y > ?x", "!y > !x"}));
  params.set("margin", 2.0);
  EXPECT_EQ(order(load(params)), (std::vector<std::string>{"?y > ?x"}));
}

TEST_F(PreferenceTask, ScoresMayStandInColumnsOfTheirOwn) {
  write("a.csv", "q,a0,a1,s0,s1\nwho,me,you,0.5,0.25\n");
  const TaskData data = load({{"train", "a.csv"},
                              {"test", "a.csv"},
                              {"form", "scores"},
                              {"prompt", "q"},
                              {"answers", List{"a0", "a1"}},
                              {"scores", List{"s0", "s1"}},
                              {"template", "{prompt} {answer}"}});
  EXPECT_EQ(order(data), (std::vector<std::string>{"who me > who you"}));
}

// Votes 2:1, 1:2, 1:1 and none: of 1 + 3 + 3 pairs of annotators, 2 agree.
TEST_F(PreferenceTask, TheMajorityOfTheAnnotatorsIsTheTruthAndTheirAgreementIsNoted) {
  write("a.jsonl", R"({"q": "1", "a": "x", "b": "y", "v": ["A", "A", "B"]})"
                   "\n"
                   R"({"q": "2", "a": "x", "b": "y", "v": ["B", "A", "B", null]})"
                   "\n"
                   R"({"q": "3", "a": "x", "b": "y", "v": ["A", "B", -1]})"
                   "\n"
                   R"({"q": "4", "a": "x", "b": "y", "v": []})"
                   "\n");
  write("t.jsonl", R"({"q": "1", "a": "x", "b": "y", "v": ["A"]})");
  const TaskData data = load({{"test", "t.jsonl"},
                              {"form", "votes"},
                              {"prompt", "q"},
                              {"answers", List{"a", "b"}},
                              {"annotators", "v"},
                              {"votes", List{"A", "B"}}});
  EXPECT_EQ(order(data), (std::vector<std::string>{"1x > 1y", "2y > 2x"}));
  EXPECT_THAT(data.notes, testing::Contains("task 'preference': 1 row of 'train' left out: nobody voted"));
  EXPECT_THAT(
      data.notes,
      testing::Contains("task 'preference': 1 row of 'train' left out: the annotators are divided equally"));
  EXPECT_THAT(data.notes,
              testing::Contains("task 'preference': two annotators of one pair agree in 28.6 % of 7 "
                                "comparisons, on 3 rows"));
}

TEST_F(PreferenceTask, EqualAnswersAreLeftOutAndCounted) {
  write("a.jsonl",
        "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"a\"}\n"
        "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n");
  const TaskData data = load({{"prompt", "prompt"}});
  EXPECT_EQ(data.train.size(), 1);
  EXPECT_THAT(data.notes, testing::Contains(
                              "task 'preference': 1 row of 'train' left out: the two answers are the same"));
}

TEST_F(PreferenceTask, MalformedRowsAreNamedByLine) {
  write("a.jsonl",
        "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
        "{\"prompt\": \"p\", \"chosen\": \"a\"}\n"
        "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": null}\n"
        "{\"prompt\": \"p\", \"chosen\": \n");
  const std::string message = complaint({{"prompt", "prompt"}});
  EXPECT_THAT(message, HasSubstr("3 malformed rows of 4 in 'train'"));
  EXPECT_THAT(message, HasSubstr("a.jsonl:2: there is no column 'rejected'"));
  EXPECT_THAT(message, HasSubstr("a.jsonl:3: column 'rejected': expected text, found null"));
  EXPECT_THAT(message, HasSubstr("a.jsonl:4: not JSON"));
  const TaskData data = load({{"prompt", "prompt"}, {"on_bad_rows", "skip"}});
  EXPECT_EQ(data.train.size(), 1);
  EXPECT_THAT(data.notes.at(0), HasSubstr("3 malformed rows of 4 in 'train', left out"));
}

TEST_F(PreferenceTask, WrongScoresAndVotesAreMalformed) {
  write("a.jsonl", R"({"q": "?", "a": ["x", "y"], "s": ["1", "high"]})");
  EXPECT_THAT(complaint({{"form", "scores"}, {"prompt", "q"}, {"answers", "a"}, {"scores", "s"}}),
              HasSubstr("a.jsonl:1: column 's': 'high' is not a score"));
  write("a.jsonl", R"({"q": "?", "a": ["x", "y"], "s": [1]})");
  EXPECT_THAT(complaint({{"form", "scores"}, {"prompt", "q"}, {"answers", "a"}, {"scores", "s"}}),
              HasSubstr("a.jsonl:1: 2 answers and 1 scores"));
  EXPECT_THAT(complaint({{"form", "votes"},
                         {"prompt", "q"},
                         {"answers", "a"},
                         {"annotators", "s"},
                         {"votes", List{"a", "b"}}}),
              HasSubstr("a.jsonl:1: column 's': '1' is not a vote: expected 'a' or 'b'"));
}

TEST_F(PreferenceTask, ParametersThatDoNotBelongTogetherAreRefused) {
  EXPECT_THAT(complaint({{"form", "scores"}}), HasSubstr("form = \"scores\" and 'scores' belong together"));
  EXPECT_THAT(complaint({{"annotators", "v"}}),
              HasSubstr("form = \"votes\" and 'annotators' belong together"));
  EXPECT_THAT(complaint({{"votes", List{"a", "a"}}}), HasSubstr("'votes' are two different words"));
  EXPECT_THAT(complaint({{"prompt_until", ""}}), HasSubstr("where is the prompt?"));
}

TEST_F(PreferenceTask, ReadsNamedTestSetsAndHoldsOutWholePrompts) {
  std::string rows;
  for (int i = 0; i < 40; ++i) {
    rows += R"({"prompt": "p)" + std::to_string(i / 2) + R"(", "chosen": "good)" + std::to_string(i) +
            R"(", "rejected": "bad"})" + "\n";
  }
  write("a.jsonl", rows);
  write("far.jsonl", R"({"prompt": "elsewhere", "chosen": "good", "rejected": "bad"})");
  const TaskData data = load(
      {{"prompt", "prompt"}, {"test", List{}}, {"held_out", 9}, {"shifts", Table{{"far", "far.jsonl"}}}});
  EXPECT_EQ(data.test.size(), 10);
  EXPECT_EQ(data.train.size(), 30);
  std::set<std::int64_t> prompts;
  for (std::int64_t i = 0; i < data.test.size(); ++i) prompts.insert(data.test.group(i));
  EXPECT_EQ(prompts.size(), 5u);
  EXPECT_EQ(data.shifted.at("far").id(0), "far/1");
  EXPECT_EQ(data.shifted.at("far").size(), 1);
}

TEST_F(PreferenceTask, ReadsHarmlessDialogues) {
  const fs::path folder = real_data("hh_rlhf");
  if (!fs::exists(folder / "harmless-base-test.jsonl.gz")) GTEST_SKIP() << absent("hh_rlhf");
  const TaskData data =
      plugins()
          .make_task(
              {"preference",
               Table{{"path", folder.string()}, {"train", "harmless-base-test.jsonl.gz"}, {"held_out", 312}},
               {}})
          ->load();
  EXPECT_GT(data.train.size() + data.test.size(), 2200);
  for (std::int64_t i = 0; i < data.train.size(); ++i) {
    EXPECT_TRUE(data.train.text(i).starts_with("\n\nHuman:"));
    EXPECT_NE(data.train.text(i), data.train.second(i));
  }
}

}  // namespace
}  // namespace w2s
