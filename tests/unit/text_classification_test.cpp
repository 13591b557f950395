#include <w2s/task.hpp>
#include <w2s/tokenizer.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "../support/real_data.hpp"
#include "data/split.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

class TextClassification : public FolderTest {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  TaskData load(Table params) const {
    params.set("path", folder_.string());
    return plugins().make_task({"text_classification", params, {}})->load();
  }

  std::string complaint(Table params) const {
    try {
      load(params);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no complaint";
  }

  // 400 questions with one right and three wrong answers.
  void write_questions(std::int64_t first = 0) const {
    std::string lines;
    for (std::int64_t i = first; i < 400; ++i) {
      const std::string n = std::to_string(i);
      lines += R"({"id": ")" + n + R"(", "q": "question )" + n +
               R"(", "good": "right", "bad": ["w1", "w2", "w3"]})" + "\n";
    }
    write("questions.jsonl", lines);
  }
  const Table questions_{{"train", "questions.jsonl"},     {"held_out", 100},   {"form", "choices"},
                         {"choices", List{"good", "bad"}}, {"answer", "first"}, {"id", "id"},
                         {"template", "{q} {answer}"}};
};

std::map<std::string, std::string> texts_by_id(const TaskData& data) {
  std::map<std::string, std::string> texts;
  for (const Examples* part : {&data.train, &data.test}) {
    for (std::int64_t i = 0; i < part->size(); ++i) texts[part->id(i)] = part->text(i);
  }
  return texts;
}

TEST_F(TextClassification, LeavesOutRowsOfMoreTokensThanAllowed) {
  BpeTraining training;
  training.vocab_size = 257;  // bytes
  train_bpe(std::vector<std::string>{"a"}, training)->save((folder_ / "tokenizer.json").string());
  write("rows.csv", "text,label\nabcd,1\nabcde,0\nab,0\nabcdefgh,1\n");
  Table params{{"train", "rows.csv"}, {"test", "rows.csv"}, {"template", "{text}"}, {"max_tokens", 4}};
  EXPECT_NE(complaint(params).find("'max_tokens' and 'tokenizer' belong together"), std::string::npos);
  params.set("tokenizer", folder_.string());
  const TaskData data = load(params);
  EXPECT_EQ(texts_by_id(data),
            (std::map<std::string, std::string>{
                {"train/2", "abcd"}, {"train/4", "ab"}, {"test/2", "abcd"}, {"test/4", "ab"}}));
  ASSERT_FALSE(data.notes.empty());
  EXPECT_NE(data.notes[0].find("2 rows of 'train' left out: more than 4 tokens"), std::string::npos)
      << data.notes[0];
  params.set("path", folder_.string());
  const auto files = plugins().make_task({"text_classification", params, {}})->files();
  EXPECT_EQ(std::count(files.begin(), files.end(), (folder_ / "tokenizer.json").string()), 1);
}

TEST_F(TextClassification, ReadsLabelledRowsFromSeveralFiles) {
  write("a.tsv", "sentence\tlabel\nfine\t1\ndull\t0\n");
  write("b.tsv", "sentence\tlabel\nlong\t0\n");
  write("c.jsonl", "{\"sentence\": \"quick\", \"label\": 1}\n");
  const TaskData data =
      load({{"train", List{"a.tsv", "b.tsv"}}, {"test", "c.jsonl"}, {"template", "It is {sentence}."}});
  ASSERT_EQ(data.train.size(), 3);
  EXPECT_EQ(data.train.text(0), "It is fine.");
  EXPECT_EQ(data.train.id(2), "train/b.tsv:2");
  EXPECT_TRUE(data.train.labels().equal(at::tensor({1, 0, 0}, at::kLong)));
  EXPECT_EQ(data.test.text(0), "It is quick.");
  EXPECT_EQ(data.test.id(0), "test/1");
}

TEST_F(TextClassification, MapsLabelsToClassesByName) {
  write("a.csv", "premise,label\np,0\nq,1\nr,2\n");
  const TaskData data = load({{"train", "a.csv"},
                              {"test", "a.csv"},
                              {"template", "{premise}"},
                              {"classes", List{"other", "entailed"}},
                              {"label_map", Table{{"0", "entailed"}, {"1", "other"}, {"2", "other"}}}});
  EXPECT_TRUE(data.train.labels().equal(at::tensor({1, 0, 0}, at::kLong)));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"other", "entailed"}));
}

TEST_F(TextClassification, ReadsNamedShiftsAndGroups) {
  write("a.csv", "x,passage,label\n1,p,0\n2,q,1\n3,p,1\n");
  write("s.csv", "x,passage,label\n7,p,0\n");
  const TaskData data = load({{"train", "a.csv"},
                              {"test", "a.csv"},
                              {"shifts", Table{{"odd", "s.csv"}}},
                              {"group", "passage"},
                              {"template", "{x}"}});
  EXPECT_EQ(data.train.group(0), data.train.group(2));
  EXPECT_NE(data.train.group(0), data.train.group(1));
  EXPECT_EQ(data.shifted.at("odd").text(0), "7");
}

TEST_F(TextClassification, MalformedRowsAreRefusedWithTheirLines) {
  write("a.csv", "x,label\none,0\ntwo,9\nthree,1,1\n  ,1\nfive,1\n");
  const std::string file = (folder_ / "a.csv").string();
  EXPECT_EQ(complaint({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{x}"}}),
            "task 'text_classification': 3 malformed rows of 5 in 'train'\n  " + file +
                ":3: column 'label': '9' is not one of the labels '0' or '1'\n  " + file +
                ":4: 3 fields where the header has 2\n  " + file +
                ":5: the text is empty\non_bad_rows = \"skip\" leaves "
                "them out");
}

TEST_F(TextClassification, MalformedRowsAreSkippedAndCountedWhereAsked) {
  write("a.csv", "x,label\none,0\ntwo,9\nfive,1\n");
  write("t.csv", "x,label\none,0\ntwo,1\n");
  const TaskData data =
      load({{"train", "a.csv"}, {"test", "t.csv"}, {"template", "{x}"}, {"on_bad_rows", "skip"}});
  EXPECT_EQ(data.train.size(), 2);
  ASSERT_EQ(data.notes.size(), 1u);
  EXPECT_EQ(data.notes[0].substr(0, 75),
            "task 'text_classification': 1 malformed row of 3 in 'train', left out\n  " +
                folder_.string().substr(0, 3));
}

TEST_F(TextClassification, AStrayQuoteCostsOneRowAndNoOther) {
  write("a.csv", "x,label\n\"one,0\ntwo,1\nthree,0\n\"four\"ish,1\nfive,1\n");
  const TaskData data =
      load({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{x}"}, {"on_bad_rows", "skip"}});
  ASSERT_EQ(data.train.size(), 3);
  EXPECT_EQ(data.train.text(0), "two");
  EXPECT_EQ(data.train.id(2), "train/6");
  const std::string file = (folder_ / "a.csv").string();
  EXPECT_EQ(
      data.notes.at(0),
      "task 'text_classification': 2 malformed rows of 5 in 'train', left out\n  " + file +
          ":2: text after the closing quote of a field; where quotes are ordinary characters, set 'quotes' = "
          "false\n  " +
          file +
          ":5: text after the closing quote of a field; where quotes are ordinary characters, set 'quotes' = "
          "false");
}

TEST_F(TextClassification, BrokenJsonIsCountedByItsLines) {
  std::string rows;
  for (int i = 0; i < 9; ++i) rows += i % 3 == 0 ? "{\"x\": \"good\", \"label\": 1}\n" : "{\"x\": \n";
  write("a.jsonl", rows);
  const std::string file = (folder_ / "a.jsonl").string();
  const std::string message = complaint({{"train", "a.jsonl"}, {"test", "a.jsonl"}, {"template", "{x}"}});
  EXPECT_NE(message.find("6 malformed rows of 9 in 'train'\n  " + file + ":2: "), std::string::npos)
      << message;
  EXPECT_NE(message.find("\n  and 1 more\non_bad_rows"), std::string::npos) << message;
}

TEST_F(TextClassification, ASplitOfOneClassIsNotedAndNotTrainedOn) {
  write("a.csv", "x,label\none,1\ntwo,1\n");
  const TaskData data =
      load({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{x}"}, {"classes", List{"0", "1"}}});
  EXPECT_EQ(data.notes.at(0), "task 'text_classification': all 2 examples of 'train' are of the class '1'");
  EXPECT_THROW(make_splits(data, {}, 0), UsageError);
}

TEST_F(TextClassification, PatternsFindTheFilesOfASplitInTheirOrder) {
  fs::create_directories(folder_ / "data" / "test");
  for (const char* name :
       {"data/train-1.csv", "data/train-0.csv", "data/train.txt", "data/test/0000.csv", "untrained.csv"}) {
    write(name, std::string("x,label\n") + name + ",0\nother,1\n");
  }
  const TaskData data = load({{"train", "**/train-*"}, {"test", "**/test/*"}, {"template", "{x}"}});
  ASSERT_EQ(data.train.size(), 4);
  EXPECT_EQ(data.train.text(0), "data/train-0.csv");
  EXPECT_EQ(data.train.id(3), "train/data/train-1.csv:3");
  EXPECT_EQ(data.test.id(0), "test/2");
  EXPECT_EQ(load({{"train", "data/*-[01].csv"}, {"test", "untrained.csv"}, {"template", "{x}"}}).train.size(),
            4);
  EXPECT_NE(complaint({{"train", "train*"}, {"test", "**/test/*"}, {"template", "{x}"}})
                .find("matches 'train*'; it has data/test/0000.csv, data/train-0.csv"),
            std::string::npos);
  write("data/train-2.jsonl", "{}");
  EXPECT_NE(complaint({{"train", "**/train-*"}, {"test", "**/test/*"}, {"template", "{x}"}})
                .find("matches files of different formats"),
            std::string::npos);
}

TEST_F(TextClassification, NamesColumnsOfFilesWithoutAHeader) {
  write("a.tsv", "fine\t1\ndull\t0\n");
  write("b.tsv", "label\tx\n1\tgood\n0\tslow\n");
  const TaskData data =
      load({{"train", "a.tsv"}, {"test", "b.tsv"}, {"columns", List{"x", "label"}}, {"template", "{x}"}});
  EXPECT_EQ(data.train.text(0), "fine");
  EXPECT_EQ(data.test.text(0), "good");
  EXPECT_EQ(data.test.size(), 2);
  write("c.tsv", "fine\t1\t2\n");
  EXPECT_NE(
      complaint({{"train", "c.tsv"}, {"test", "b.tsv"}, {"columns", List{"x", "label"}}, {"template", "{x}"}})
          .find("c.tsv:1: 3 fields where 'columns' names 2"),
      std::string::npos);
}

TEST_F(TextClassification, AnUnknownColumnOfTheTemplateIsNamedWithTheNearest) {
  write("a.csv", "sentence,label\none,0\n");
  EXPECT_NE(complaint({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{sentance}"}})
                .find("there is no column 'sentance' (did you mean 'sentence'?)"),
            std::string::npos);
}

TEST_F(TextClassification, ParametersThatDoNotBelongTogetherAreRefused) {
  write("a.csv", "x,label\none,0\n");
  EXPECT_EQ(
      complaint({{"train", "a.csv"}, {"template", "{x}"}}),
      "task 'text_classification': give test files in 'test', or a number of training rows to test on in "
      "'held_out', but not both");
  EXPECT_EQ(complaint({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{x"}}),
            "task 'text_classification': template \"{x\": a { without }; {{ and }} stand for braces");
  EXPECT_EQ(complaint({{"train", "a.csv"}, {"test", "a.csv"}, {"template", "x"}, {"form", "choices"}}),
            "task 'text_classification': form = \"choices\" needs 'choices': the columns of the answers");
  EXPECT_NE(
      complaint(
          {{"train", "a.csv"}, {"test", "a.csv"}, {"template", "x"}, {"label_map", Table{{"0", "one"}}}})
          .find("label_map: 'one' is not one of the classes '0' or '1'"),
      std::string::npos);
}

TEST_F(TextClassification, ChoicesShowTheRightAnswerInHalfOfTheRows) {
  write_questions();
  const TaskData data = load(questions_);
  std::int64_t right = 0;
  std::set<std::string> wrong;
  for (const auto& [id, text] : texts_by_id(data)) {
    const std::string answer = text.substr(text.rfind(' ') + 1);
    right += answer == "right" ? 1 : 0;
    if (answer != "right") wrong.insert(answer);
  }
  // Four standard deviations of 400 fair draws.
  EXPECT_NEAR(right, 200, 40);
  EXPECT_EQ(wrong, (std::set<std::string>{"w1", "w2", "w3"}));
  for (const Examples* part : {&data.train, &data.test}) {
    const Tensor labels = part->labels();
    for (std::int64_t i = 0; i < part->size(); ++i) {
      EXPECT_EQ(labels[i].item<std::int64_t>() == 1, part->text(i).ends_with("right"));
    }
  }
}

TEST_F(TextClassification, TheDrawOfARowDependsOnItsIdAndTheSeedAlone) {
  write_questions();
  const auto all = texts_by_id(load(questions_));
  EXPECT_EQ(all, texts_by_id(load(questions_)));
  write_questions(/*first=*/150);
  for (const auto& [id, text] : texts_by_id(load(questions_))) EXPECT_EQ(text, all.at(id));
  write_questions();
  Table other = questions_;
  other.set("seed", 1);
  EXPECT_NE(all, texts_by_id(load(other)));
}

TEST_F(TextClassification, TheRightAnswerIsFoundByNumberTextOrKey) {
  write("a.jsonl",
        R"({"q": "q", "n": "2", "t": "yes", "k": "B", "c": {"text": ["no", "yes"], "label": ["A", "B"]}})"
        "\n");
  for (const auto& [answer, label] :
       std::map<std::string, std::string>{{"index", "n"}, {"text", "t"}, {"key", "k"}}) {
    Table params{{"train", "a.jsonl"}, {"test", "a.jsonl"}, {"form", "choices"}, {"choices", "c.text"},
                 {"answer", answer},   {"label", label},    {"first_choice", 1}, {"template", "{answer}"}};
    if (answer == "key") params.set("choice_keys", "c.label");
    for (std::int64_t seed = 0; seed < 8; ++seed) {
      params.set("seed", seed);
      const TaskData data = load(params);
      EXPECT_EQ(data.train.text(0) == "yes", data.train.labels().item<std::int64_t>() == 1) << answer;
    }
  }
}

TEST_F(TextClassification, NoneOfTheseIsNeverShown) {
  write("a.jsonl", R"({"c": ["none", "a", "b"], "label": 0})"
                   "\n"
                   R"({"c": ["none", "a", "b"], "label": 1})"
                   "\n");
  Table params{{"train", "a.jsonl"}, {"test", "a.jsonl"},      {"form", "choices"},
               {"choices", "c"},     {"template", "{answer}"}, {"none_of_these", "none"}};
  for (std::int64_t seed = 0; seed < 20; ++seed) {
    params.set("seed", seed);
    const TaskData data = load(params);
    EXPECT_NE(data.train.text(0), "none");
    EXPECT_NE(data.train.text(1), "none");
    EXPECT_EQ(data.train.labels()[0].item<std::int64_t>(), 0);
  }
}

TEST_F(TextClassification, PairsMakeATrueOrFalseClaimInRandomOrder) {
  write("a.csv", "good,bad\nsun,rain\n");
  Table params{{"train", "a.csv"},
               {"test", "a.csv"},
               {"form", "pair"},
               {"choices", List{"good", "bad"}},
               {"template", "{first}/{second}/{claim}"}};
  std::set<std::string> seen;
  for (std::int64_t seed = 0; seed < 40; ++seed) {
    params.set("seed", seed);
    const TaskData data = load(params);
    seen.insert(data.train.text(0) + "=" + std::to_string(data.train.labels().item<std::int64_t>()));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"sun/rain/first=1", "rain/sun/second=1", "sun/rain/second=0",
                                         "rain/sun/first=0"}));
}

TEST_F(TextClassification, HeldOutRowsAreWholeGroupsAndTheSameEveryTime) {
  std::string rows = "x,g,label\n";
  for (int i = 0; i < 60; ++i)
    rows += std::to_string(i) + ",g" + std::to_string(i / 3) + "," + std::to_string(i % 2) + "\n";
  write("a.csv", rows);
  const Table params{{"train", "a.csv"}, {"held_out", 10}, {"template", "{x}"}, {"group", "g"}};
  const TaskData data = load(params);
  EXPECT_EQ(data.test.size(), 12);
  EXPECT_EQ(data.train.size(), 48);
  std::set<std::int64_t> groups;
  for (std::int64_t i = 0; i < data.test.size(); ++i) groups.insert(data.test.group(i));
  for (std::int64_t i = 0; i < data.train.size(); ++i) EXPECT_EQ(groups.count(data.train.group(i)), 0u);
  EXPECT_EQ(data.test.digest(), load(params).test.digest());
}

TEST_F(TextClassification, LimitsTakeTheFirstRows) {
  write("a.csv", "x,label\n1,0\n2,1\n3,1\n");
  const TaskData data = load(
      {{"train", "a.csv"}, {"test", "a.csv"}, {"template", "{x}"}, {"train_limit", 2}, {"test_limit", 1}});
  EXPECT_EQ(data.train.size(), 2);
  EXPECT_EQ(data.test.size(), 1);
}

TEST_F(TextClassification, ReadsTheStanfordSentimentTreebank) {
  const fs::path folder = real_data("sst2");
  if (!fs::exists(folder / "train.tsv")) GTEST_SKIP() << absent("sst2");
  const TaskData data = plugins()
                            .make_task({"text_classification",
                                        Table{{"path", folder.string()},
                                              {"train", "train.tsv"},
                                              {"test", "dev.tsv"},
                                              {"template", "{sentence}"}},
                                        {}})
                            ->load();
  EXPECT_EQ(data.train.size(), 67349);
  EXPECT_EQ(data.test.size(), 872);
  EXPECT_EQ(data.test.labels().sum().item<std::int64_t>(), 444);
}

}  // namespace
}  // namespace w2s
