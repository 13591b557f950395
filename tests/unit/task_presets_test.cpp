// Every preset of configs/tasks on rows of the data set's own columns. The rows are made up.
#include <w2s/task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "../support/real_data.hpp"
#include "config/experiment.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kPresets = fs::path(W2S_SOURCE_DIR) / "configs" / "tasks";

/// All that a row may become, over the seeds: texts and their labels.
using Outcomes = std::set<std::pair<std::string, std::int64_t>>;

struct Case {
  std::string preset;
  std::map<std::string, std::string> files;
  std::vector<Outcomes> train, test;
  std::string groups;  // a letter for each training row: equal ones stay together
};

// The right answer is one outcome, each wrong one another.
Outcomes answers(const std::string& before, const std::string& right, const std::vector<std::string>& wrong) {
  Outcomes outcomes{{before + right, 1}};
  for (const std::string& answer : wrong) outcomes.insert({before + answer, 0});
  return outcomes;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const std::string boolq = R"({"question": "is ice cold", "passage": "Ice is frozen.", "answer": true}
{"question": "is ice warm", "passage": "Ice is frozen.", "answer": false}
)";
  all.push_back(
      {"boolq",
       {{"train.jsonl", boolq}, {"validation.csv", "question,passage,answer\nis it far,It is near.,False\n"}},
       {{{"Passage: Ice is frozen.\nQuestion: is ice cold", 1}},
        {{"Passage: Ice is frozen.\nQuestion: is ice warm", 0}}},
       {{{"Passage: It is near.\nQuestion: is it far", 0}}},
       "aa"});
  all.push_back({"boolq_no_passage",
                 {{"train.jsonl", boolq}, {"dev.jsonl", boolq}},
                 {{{"Question: is ice cold", 1}}, {{"Question: is ice warm", 0}}},
                 {{{"Question: is ice cold", 1}}, {{"Question: is ice warm", 0}}},
                 "ab"});

  const std::string none = "None of the above choices .";
  const std::string cosmos =
      "id,context,question,answer0,answer1,answer2,answer3,label\n"
      "1,\"Rain, again\",Why ?,wet,sun," +
      none +
      ",fog,0\n"
      "2,\"Rain, again\",When ?,now,then," +
      none + ",later,2\n";
  const std::string rain = "Context: Rain, again\nQuestion: ";
  const Outcomes why = answers(rain + "Why ?\nAnswer: ", "wet", {"sun", "fog"});
  all.push_back({"cosmos_qa",
                 {{"train.csv", cosmos}, {"valid.csv", cosmos}},
                 {why,
                  {{rain + "When ?\nAnswer: now", 0},
                   {rain + "When ?\nAnswer: then", 0},
                   {rain + "When ?\nAnswer: later", 0}}},
                 {why,
                  {{rain + "When ?\nAnswer: now", 0},
                   {rain + "When ?\nAnswer: then", 0},
                   {rain + "When ?\nAnswer: later", 0}}},
                 "aa"});
  all.push_back({"cosmos_qa_balanced", {{"train.csv", cosmos}, {"valid.csv", cosmos}}, {why}, {why}, "a"});

  const std::string cafe = "W: Tea?\nM: Coffee.\nQuestion: What does he want?\nAnswer: ";
  const std::string where = "W: Tea?\nM: Coffee.\nQuestion: Where are they?\nAnswer: ";
  all.push_back(
      {"dream",
       {{"train.json",
         R"([[["W: Tea?", "M: Coffee."],
              [{"question": "What does he want?", "choice": ["Coffee.", "Tea.", "Milk."], "answer": "Coffee."},
               {"question": "Where are they?", "choice": ["At sea.", "In a cafe."], "answer": "In a cafe."}],
              "4-12"]])"},
        {"test.jsonl",
         R"({"dialogue_id": "1", "dialogue": ["A: Hi.", "B: Hi."], "question": "Q", "choice": ["x", "y", "z"], "answer": "y"})"}},
       {answers(cafe, "Coffee.", {"Tea.", "Milk."}), answers(where, "In a cafe.", {"At sea."})},
       {answers("A: Hi.\nB: Hi.\nQuestion: Q\nAnswer: ", "y", {"x", "z"})},
       "aa"});

  all.push_back(
      {"ethics_justice",
       {{"justice_train.csv", "label,scenario\n1,\"He paid, as agreed.\"\n0,He paid twice for fun.\n"},
        {"justice_test.csv", "label,scenario\n0,She sang.\n"}},
       {{{"He paid, as agreed.", 1}}, {{"He paid twice for fun.", 0}}},
       {{{"She sang.", 0}}},
       "ab"});
  const std::string excuses =
      "label,scenario,excuse\n1,Walk the dog.,But it is asleep.\n0,Walk the dog.,But I am tall.\n";
  all.push_back({"ethics_deontology",
                 {{"deontology_train.csv", excuses}, {"deontology_test.csv", excuses}},
                 {{{"Walk the dog.\nBut it is asleep.", 1}}, {{"Walk the dog.\nBut I am tall.", 0}}},
                 {{{"Walk the dog.\nBut it is asleep.", 1}}, {{"Walk the dog.\nBut I am tall.", 0}}},
                 "aa"});
  const std::string traits =
      "label,scenario\n1,He jumped in. [SEP] brave\n0,He jumped in. [SEP] shy\n0,She left. [SEP] loyal\n";
  all.push_back(
      {"ethics_virtue",
       {{"virtue_train.csv", traits}, {"virtue_test.csv", traits}},
       {{{"He jumped in. [SEP] brave", 1}}, {{"He jumped in. [SEP] shy", 0}}, {{"She left. [SEP] loyal", 0}}},
       {{{"He jumped in. [SEP] brave", 1}}, {{"He jumped in. [SEP] shy", 0}}, {{"She left. [SEP] loyal", 0}}},
       "aab"});
  const Outcomes pleasant{{"First: I won.\nSecond: I lost.\nThe first is more pleasant.", 1},
                          {"First: I won.\nSecond: I lost.\nThe second is more pleasant.", 0},
                          {"First: I lost.\nSecond: I won.\nThe second is more pleasant.", 1},
                          {"First: I lost.\nSecond: I won.\nThe first is more pleasant.", 0}};
  all.push_back({"ethics_utilitarianism",
                 {{"util_train.csv", "I won.,I lost.\n"},
                  {"util_test.csv", "baseline,less_pleasant\nI won.,I lost.\n"}},
                 {pleasant},
                 {pleasant},
                 "a"});
  const std::string nli =
      R"({"uid": "a", "premise": "It rains.", "hypothesis": "It is wet.", "label": 0, "reason": ""}
{"uid": "b", "premise": "It rains.", "hypothesis": "It is Monday.", "label": 1, "reason": ""}
{"uid": "c", "premise": "It shines.", "hypothesis": "It is night.", "label": 2, "reason": ""}
)";
  const std::vector<Outcomes> entailed = {{{"Premise: It rains.\nHypothesis: It is wet.", 1}},
                                          {{"Premise: It rains.\nHypothesis: It is Monday.", 0}},
                                          {{"Premise: It shines.\nHypothesis: It is night.", 0}}};
  all.push_back({"anli_r2",
                 {{"train_r2.jsonl", nli}, {"test_r2.jsonl", nli}, {"train_r1.jsonl", "not this one"}},
                 entailed,
                 entailed,
                 "aab"});
  const std::string cola = "sentence\tlabel\tidx\nHe runs.\t1\t0\nRuns he the.\t0\t1\n";
  all.push_back({"cola",
                 {{"train.tsv", cola}, {"validation.tsv", cola}},
                 {{{"He runs.", 1}}, {{"Runs he the.", 0}}},
                 {{{"He runs.", 1}}, {{"Runs he the.", 0}}},
                 "ab"});
  const std::string sst2 = R"({"idx": 0, "sentence": "a joy ", "label": 1}
{"idx": 1, "sentence": "a bore ", "label": 0}
)";
  all.push_back({"sst2",
                 {{"data/train-00000-of-00001.jsonl", sst2},
                  {"data/validation-00000-of-00001.jsonl", sst2},
                  {"data/test-00000-of-00001.jsonl", "{\"idx\": 0, \"sentence\": \"?\", \"label\": -1}\n"}},
                 {{{"a joy ", 1}}, {{"a bore ", 0}}},
                 {{{"a joy ", 1}}, {{"a bore ", 0}}},
                 "ab"});
  const std::string swag =
      R"({"ctx": "A man lifts", "endings": ["a car.", "a cup.", "a hill.", "the sea."], "label": "1"})";
  const Outcomes lifts = answers("A man lifts ", "a cup.", {"a car.", "a hill.", "the sea."});
  all.push_back({"hellaswag", {{"train.jsonl", swag}, {"validation.jsonl", swag}}, {lifts}, {lifts}, "a"});
  all.push_back(
      {"mc_taco",
       {{"test_9442.tsv",
         "He slept.\tHow long?\t8 hours\tyes\tEvent Duration\nHe slept.\tHow long?\t\"one\tno\tEvent "
         "Duration\n"},
        {"validation.jsonl",
         R"({"sentence": "She ate.", "question": "When?", "answer": "noon", "label": 1, "category": 2})"}},
       {{{"He slept.\nQuestion: How long?\nAnswer: 8 hours", 1}},
        {{"He slept.\nQuestion: How long?\nAnswer: \"one", 0}}},
       {{{"She ate.\nQuestion: When?\nAnswer: noon", 1}}},
       "aa"});
  const std::string book =
      R"({"id": "7", "question_stem": "Rocks are", "choices": {"text": ["soft", "hard", "wet", "loud"], "label": ["A", "B", "C", "D"]}, "answerKey": "B"})";
  const Outcomes rocks = answers("Question: Rocks are\nAnswer: ", "hard", {"soft", "wet", "loud"});
  all.push_back(
      {"openbookqa", {{"main/train.jsonl", book}, {"main/test.jsonl", book}}, {rocks}, {rocks}, "a"});
  const std::string paws =
      "id\tsentence1\tsentence2\tlabel\n1\tA hit B\tB hit A\t0\n2\tA met B\tB met A\t1\n";
  all.push_back({"paws",
                 {{"train.tsv", paws}, {"test.tsv", paws}},
                 {{{"First: A hit B\nSecond: B hit A", 0}}, {{"First: A met B\nSecond: B met A", 1}}},
                 {{{"First: A hit B\nSecond: B hit A", 0}}, {{"First: A met B\nSecond: B met A", 1}}},
                 "ab"});
  const std::string quail =
      R"({"id": "q", "context": "Ann ran.", "question": "Who?", "answers": ["not enough information", "Bo", "Ann", "Cy"], "correct_answer_id": 2})";
  const Outcomes ran =
      answers("Ann ran.\nQuestion: Who?\nAnswer: ", "Ann", {"not enough information", "Bo", "Cy"});
  all.push_back({"quail", {{"train.jsonl", quail}, {"validation.jsonl", quail}}, {ran}, {ran}, "a"});
  const std::string piqa = R"({"goal": "open a jar", "sol1": "twist it", "sol2": "sing to it", "label": 0}
{"goal": "open a jar", "sol1": "wait", "sol2": "use a cloth", "label": 1}
)";
  const Outcomes twist = answers("Goal: open a jar\nSolution: ", "twist it", {"sing to it"}),
                 cloth = answers("Goal: open a jar\nSolution: ", "use a cloth", {"wait"});
  all.push_back(
      {"piqa", {{"train.jsonl", piqa}, {"valid.jsonl", piqa}}, {twist, cloth}, {twist, cloth}, "aa"});
  const std::string quartz =
      R"({"id": "z", "para": "Hot air rises.", "question": "Cold air", "choices": {"text": ["rises", "sinks"], "label": ["A", "B"]}, "answerKey": "B"})";
  const Outcomes air = answers("Hot air rises.\nQuestion: Cold air\nAnswer: ", "sinks", {"rises"});
  all.push_back({"quartz", {{"train.jsonl", quartz}, {"test.jsonl", quartz}}, {air}, {air}, "a"});
  const std::string people =
      R"({"context": "Jo fell.", "question": "How is Jo?", "answerA": "fine", "answerB": "hurt", "answerC": "rich", "label": "2"})";
  const Outcomes jo = answers("Jo fell.\nQuestion: How is Jo?\nAnswer: ", "hurt", {"fine", "rich"});
  all.push_back({"social_i_qa",
                 {{"default/train/0000.jsonl", people}, {"default/validation/0000.jsonl", people}},
                 {jo},
                 {jo},
                 "a"});
  const std::string multi =
      R"({"paragraph": "Bo sang.", "question": "Who sang?", "answer": "Bo", "idx": {"paragraph": 0}, "label": 1}
{"paragraph": "Bo sang.", "question": "Who sang?", "answer": "Al", "idx": {"paragraph": 0}, "label": 0}
)";
  const std::vector<Outcomes> sang = {{{"Bo sang.\nQuestion: Who sang?\nAnswer: Bo", 1}},
                                      {{"Bo sang.\nQuestion: Who sang?\nAnswer: Al", 0}}};
  all.push_back({"multirc", {{"train.jsonl", multi}, {"validation.jsonl", multi}}, sang, sang, "aa"});
  const std::string wic =
      R"({"word": "bank", "sentence1": "a river bank", "sentence2": "a bank robber", "start1": 8, "label": 0}
{"word": "bank", "sentence1": "the left bank", "sentence2": "on the bank", "start1": 9, "label": 1}
)";
  const std::vector<Outcomes> bank = {{{"Word: bank\nFirst: a river bank\nSecond: a bank robber", 0}},
                                      {{"Word: bank\nFirst: the left bank\nSecond: on the bank", 1}}};
  all.push_back({"wic", {{"train.jsonl", wic}, {"validation.jsonl", wic}}, bank, bank, "aa"});
  const std::string tweets = "text,label\n\"so, happy\",1\nso sad,0\n";
  all.push_back({"twitter_sentiment",
                 {{"train.csv", tweets}, {"test.csv", tweets}},
                 {{{"so, happy", 1}}, {{"so sad", 0}}},
                 {{{"so, happy", 1}}, {{"so sad", 0}}},
                 "ab"});
  const std::string reviews = R"({"label": 1, "title": "Good", "content": "It works."}
{"label": 0, "title": "Bad", "content": "It broke."}
)";
  all.push_back(
      {"amazon_polarity",
       {{"amazon_polarity/train-00000-of-00002.jsonl", reviews},
        {"amazon_polarity/train-00001-of-00002.jsonl", reviews},
        {"amazon_polarity/test-00000-of-00001.jsonl", reviews}},
       {{{"Good It works.", 1}}, {{"Bad It broke.", 0}}, {{"Good It works.", 1}}, {{"Bad It broke.", 0}}},
       {{{"Good It works.", 1}}, {{"Bad It broke.", 0}}},
       "abcd"});
  const std::string hh =
      R"({"chosen": "\n\nHuman: Hi\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi\n\nAssistant: Go."}
{"chosen": "\n\nHuman: Hi\n\nAssistant: Yes?", "rejected": "\n\nHuman: Hi\n\nAssistant: No."}
)";
  const std::vector<Outcomes> liked = {answers("\n\nHuman: Hi\n\nAssistant: ", "Hello.", {"Go."}),
                                       answers("\n\nHuman: Hi\n\nAssistant: ", "Yes?", {"No."})};
  all.push_back({"anthropic_hh", {{"train.jsonl", hh}, {"test.jsonl", hh}}, liked, liked, "aa"});
  return all;
}

class TaskPresets : public FolderTest {
 protected:
  void write(const std::map<std::string, std::string>& files) const {
    fs::remove_all(folder_);
    for (const auto& [name, bytes] : files) {
      fs::create_directories((folder_ / name).parent_path());
      std::ofstream(folder_ / name, std::ios::binary) << bytes;
    }
  }

  // As a user's experiment names it.
  Experiment experiment(const std::string& task, std::vector<std::string> set = {}) const {
    Overrides overrides;
    overrides.set = std::move(set);
    overrides.presets = {kPresets.string()};
    return parse_experiments("[task]\n" + task +
                                 "\n[models.a]\ntype = \"mlp\"\n[models.b]\ntype = \"mlp\"\n"
                                 "[pairs]\nweak = \"a\"\nstrong = \"b\"\n",
                             (folder_ / "x.toml").string(), overrides)
        .at(0);
  }
  TaskData load(const std::string& preset, std::int64_t seed = 0, std::vector<std::string> set = {}) const {
    set.push_back("task.path=" + folder_.string());
    set.push_back("task.seed=" + std::to_string(seed));
    return plugins().make_task(experiment("preset = \"" + preset + "\"", set).task)->load();
  }
};

TEST_F(TaskPresets, MakeTheirExamplesOfRowsAsTheDataSetsHaveThem) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.preset);
    write(one.files);
    std::vector<Outcomes> train(one.train.size()), test(one.test.size());
    for (std::int64_t seed = 0; seed < 40; ++seed) {
      const TaskData data = load(one.preset, seed);
      ASSERT_EQ(data.train.size(), static_cast<std::int64_t>(one.train.size()));
      ASSERT_EQ(data.test.size(), static_cast<std::int64_t>(one.test.size()));
      const auto collect = [](const Examples& rows, std::vector<Outcomes>& seen) {
        const Tensor labels = rows.labels();
        for (std::int64_t i = 0; i < rows.size(); ++i) {
          seen[static_cast<std::size_t>(i)].insert({rows.text(i), labels[i].item<std::int64_t>()});
        }
      };
      collect(data.train, train);
      collect(data.test, test);
      if (seed > 0) continue;
      for (std::size_t i = 0; i < one.groups.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          EXPECT_EQ(data.train.group(static_cast<std::int64_t>(i)) ==
                        data.train.group(static_cast<std::int64_t>(j)),
                    one.groups[i] == one.groups[j])
              << "rows " << j << " and " << i;
        }
      }
    }
    EXPECT_EQ(train, one.train);
    EXPECT_EQ(test, one.test);
  }
}

TEST_F(TaskPresets, SciqJoinsItsFilesAndHoldsRowsOut) {
  const auto line = [](const std::string& n) {
    return R"({"question": "q)" + n +
           R"(", "correct_answer": "yes", "distractor1": "no", "distractor2": "nay", )" +
           R"("distractor3": "nope", "support": "s)" + n + "\"}\n";
  };
  write({{"data/train-00000-of-00001.jsonl", line("1") + line("2")},
         {"data/validation-00000-of-00001.jsonl", line("3")},
         {"data/test-00000-of-00001.jsonl", line("4") + line("1")}});
  for (const std::string preset : {"sciq", "sciq_with_support"}) {
    SCOPED_TRACE(preset);
    Outcomes seen;
    for (std::int64_t seed = 0; seed < 40; ++seed) {
      const TaskData data = load(preset, seed, {"task.held_out=2"});
      EXPECT_EQ(data.train.size() + data.test.size(), 5);
      EXPECT_GE(data.test.size(), 2);
      for (const Examples* rows : {&data.train, &data.test}) {
        for (std::int64_t i = 0; i < rows->size(); ++i) {
          seen.insert({rows->text(i), rows->labels()[i].item<std::int64_t>()});
        }
      }
    }
    Outcomes expected;
    for (const std::string n : {"1", "2", "3", "4"}) {
      const std::string before = (preset == "sciq" ? "" : "s" + n + "\n") + "Q: q" + n + " A: ";
      expected.merge(answers(before, "yes", {"no", "nay", "nope"}));
    }
    EXPECT_EQ(seen, expected);
  }
  EXPECT_EQ(experiment("preset = \"sciq\"\npath = \".\"").task.params.at("held_out").as_int(), 3000);
}

TEST_F(TaskPresets, AreAllTestedHere) {
  std::set<std::string> tested{"sciq", "sciq_with_support", "anthropic_hh_preference"}, there;
  for (const Case& one : cases()) tested.insert(one.preset);
  for (const auto& file : fs::directory_iterator(kPresets)) there.insert(file.path().stem().string());
  EXPECT_EQ(tested, there);
}

TEST_F(TaskPresets, DialoguesAsPairsShareAPrompt) {
  const std::string rows =
      R"({"chosen": "\n\nHuman: Hi\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi\n\nAssistant: Help."}
{"chosen": "\n\nHuman: Hi\n\nAssistant: Yes?", "rejected": "\n\nHuman: Hi\n\nAssistant: No."}
)";
  write({{"train.jsonl", rows}, {"test.jsonl", rows}});
  std::set<std::tuple<std::string, std::string, std::int64_t>> seen;
  for (std::int64_t seed = 0; seed < 20; ++seed) {
    const TaskData data = load("anthropic_hh_preference", seed);
    EXPECT_EQ(data.kind, TaskKind::preference);
    EXPECT_EQ(data.train.group(0), data.train.group(1));
    seen.insert({data.train.text(0), data.train.second(0), data.train.labels()[0].item<std::int64_t>()});
  }
  const std::string better = "\n\nHuman: Hi\n\nAssistant: Hello.",
                    worse = "\n\nHuman: Hi\n\nAssistant: Help.";
  EXPECT_EQ(seen, (std::set<std::tuple<std::string, std::string, std::int64_t>>{{better, worse, 0},
                                                                                {worse, better, 1}}));
}

// Counts as awk, sort and Python's csv module have them.
TEST_F(TaskPresets, ReadRealFiles) {
  for (const char* name : {"mctaco", "cosmosqa", "sst2"}) {
    if (!fs::exists(real_data(name))) GTEST_SKIP() << absent(name);
  }
  const auto read = [&](const std::string& preset, const std::string& folder,
                        std::vector<std::string> set = {}) {
    set.push_back("task.path=" + real_data(folder).string());
    return plugins().make_task(experiment("preset = \"" + preset + "\"", set).task)->load();
  };
  const auto groups = [](const Examples& rows) {
    std::set<std::int64_t> found;
    for (std::int64_t i = 0; i < rows.size(); ++i) found.insert(rows.group(i));
    return found.size();
  };
  const TaskData time = read("mc_taco", "mctaco");
  EXPECT_EQ(time.train.size(), 9442);
  EXPECT_EQ(time.test.size(), 3783);
  EXPECT_EQ(time.train.labels().sum().item<std::int64_t>(), 3198);
  EXPECT_EQ(time.test.labels().sum().item<std::int64_t>(), 1229);
  EXPECT_EQ(groups(time.train), 1332u);

  const std::vector<std::string> alone{"task.train=valid.csv", "task.test=[]", "task.held_out=400"};
  const TaskData cosmos = read("cosmos_qa", "cosmosqa", alone),
                 balanced = read("cosmos_qa_balanced", "cosmosqa", alone);
  EXPECT_EQ(cosmos.train.size() + cosmos.test.size(), 2985);
  EXPECT_EQ(balanced.train.size() + balanced.test.size(), 2985 - 259);
  EXPECT_NEAR(balanced.train.labels().to(at::kDouble).mean().item<double>(), 0.5, 0.05);
  for (std::int64_t i = 0; i < cosmos.train.size(); ++i) {
    EXPECT_FALSE(cosmos.train.text(i).ends_with("None of the above choices ."));
  }
  EXPECT_EQ(read("sst2", "sst2").train.size(), 67349);
}

TEST_F(TaskPresets, WhatTheExperimentSaysComesBeforeThePreset) {
  write({{"my_presets/mine.toml",
          "type = \"text_classification\"\ntemplate = \"{t}\"\ntrain = \"a.csv\"\n"
          "[split]\nsupervisor = 5\nvalidation = 2\n"}});
  const Experiment mine = experiment(
      "preset = \"my_presets/mine.toml\"\ntrain = \"b.csv\"\nname = \"n\"\n[task.split]\nvalidation = 3");
  EXPECT_EQ(mine.task.params.at("train"), Value("b.csv"));
  EXPECT_EQ(mine.task.params.at("template"), Value("{t}"));
  EXPECT_EQ(mine.task_name, "n");
  EXPECT_EQ(mine.split.supervisor, 5);
  EXPECT_EQ(mine.split.validation, 3);
  EXPECT_EQ(mine.task.params.find("preset"), nullptr);
}

TEST_F(TaskPresets, MistakesAreNamedWithTheirPlace) {
  const auto complaint = [&](const std::string& task) -> std::string {
    try {
      plugins().make_task(experiment(task).task);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no complaint";
  };
  const std::string here = (folder_ / "x.toml").string();
  EXPECT_THAT(complaint("preset = \"bolq\""),
              testing::StartsWith(here + ":2:1: [task]: there is no preset 'bolq' (did you mean 'boolq'?)"));
  EXPECT_THAT(
      complaint("preset = \"other/mine.toml\""),
      HasSubstr(here + ":2:1: [task]: there is no preset file '" + (folder_ / "other/mine.toml").string()));
  EXPECT_THAT(complaint("preset = 3"),
              HasSubstr("preset: expected the name of a preset, found an integer (3)"));
  EXPECT_THAT(complaint("preset = \"boolq\""),
              HasSubstr(here + ":1:2: task 'text_classification': 'path' is missing"));
  EXPECT_THAT(complaint("preset = \"boolq\"\nform = \"chioces\"\npath = \".\""),
              HasSubstr(here + ":3:1: task 'text_classification': form"));
}

}  // namespace
}  // namespace w2s
