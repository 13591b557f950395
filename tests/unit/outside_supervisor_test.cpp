// Labels from outside: annotators, label files, noise, and the table that asks for them.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <w2s/safetensors.hpp>

#include "../support/tiny_world.hpp"
#include "supervisors/annotators.hpp"
#include "supervisors/label_file.hpp"
#include "supervisors/label_noise.hpp"
#include "supervisors/supervisor.hpp"

namespace w2s::testing {
namespace {

using ::testing::HasSubstr;

double share_right(const Tensor& posterior, const Tensor& truth) {
  return posterior.argmax(1).eq(truth).to(at::kDouble).mean().item<double>();
}

// Votes of annotators with planted confusion matrices; every fifth vote is missing.
Tensor planted_votes(const Tensor& truth, const std::vector<Matrix>& annotators) {
  Stream stream(11, "votes");
  const auto count = static_cast<std::int64_t>(annotators.size());
  Tensor votes = at::full({truth.size(0), count}, -1, at::kLong);
  for (std::int64_t a = 0; a < count; ++a) {
    const Tensor labels =
        corrupted_by(truth, annotators[static_cast<std::size_t>(a)], stream.child(std::to_string(a)));
    for (std::int64_t i = 0; i < truth.size(0); ++i) {
      if ((i + a) % 5 != 0) votes[i][a] = labels[i];
    }
  }
  return votes;
}

const Matrix kGood = {{0.95, 0.05}, {0.1, 0.9}}, kBad = {{0.55, 0.45}, {0.5, 0.5}},
             kContrary = {{0.2, 0.8}, {0.75, 0.25}};

TEST(Annotators, SharesOfVotesLeaveMissingOnesOut) {
  const Tensor votes =
      at::tensor(std::vector<std::int64_t>{0, 1, 1, 2, -1, -1, -1, -1, -1}, at::kLong).view({3, 3});
  const Tensor expected =
      at::tensor(std::vector<double>{1. / 3, 2. / 3, 0, 0, 0, 1, 1. / 3, 1. / 3, 1. / 3}, at::kDouble)
          .view({3, 3});
  EXPECT_TRUE(at::allclose(vote_shares(votes, 3), expected));
}

TEST(Annotators, DawidSkeneFindsPlantedConfusionsAndBeatsTheMajority) {
  const Tensor truth = at::arange(4000, at::kLong).remainder(2);
  const std::vector<Matrix> annotators = {kGood, kGood, kBad, kBad, kContrary};
  const Tensor votes = planted_votes(truth, annotators);
  const DawidSkene found = dawid_skene(votes, 2);
  for (std::size_t a = 0; a < annotators.size(); ++a) {
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(
          found.confusion[static_cast<std::int64_t>(a)][static_cast<std::int64_t>(k)][0].item<double>(),
          annotators[a][k][0], 0.04);
    }
  }
  EXPECT_GT(share_right(found.posterior, truth), share_right(vote_shares(votes, 2), truth) + 0.05);
  EXPECT_TRUE(at::allclose(found.posterior.sum(1), at::ones({4000}, at::kDouble)));
}

TEST(Noise, HasTheAccuracyAndIsWhereItIsAskedFor) {
  const Tensor truth = at::arange(101, at::kLong).remainder(4);
  const Tensor random = corrupted(truth, 4, 0.7, {}, Stream(1, "x"));
  EXPECT_EQ(random.ne(truth).sum().item<std::int64_t>(), 30);
  EXPECT_TRUE(random.equal(corrupted(truth, 4, 0.7, {}, Stream(1, "x"))));
  EXPECT_FALSE(random.equal(corrupted(truth, 4, 0.7, {}, Stream(2, "x"))));
  const Tensor last = corrupted(truth, 4, 0.7, at::arange(101, at::kDouble), Stream(1, "x"));
  EXPECT_TRUE(last.slice(0, 0, 71).equal(truth.slice(0, 0, 71)));
  EXPECT_EQ(last.slice(0, 71).ne(truth.slice(0, 71)).sum().item<std::int64_t>(), 30);
  EXPECT_TRUE(last.ge(0).logical_and(last.lt(4)).all().item<bool>());
}

TEST(Noise, OfAMatrixFollowsIt) {
  const Tensor truth = at::arange(6000, at::kLong).remainder(3);
  const Matrix matrix = {{1, 0, 0}, {0.3, 0.7, 0}, {0.1, 0.2, 0.7}};
  const Tensor labels = corrupted_by(truth, matrix, Stream(3, "m"));
  for (std::int64_t j = 0; j < 3; ++j) {
    const Tensor of_class = labels.masked_select(truth.eq(j));
    for (std::int64_t k = 0; k < 3; ++k) {
      const double share = of_class.eq(k).to(at::kDouble).mean().item<double>();
      EXPECT_NEAR(share, matrix[static_cast<std::size_t>(j)][static_cast<std::size_t>(k)], 0.04);
    }
  }
}

// The labels that [supervisor] type = "noise" gives, and where they are wrong.
struct Noisy {
  explicit Noisy(const NoiseSupervisor& noise, TinyWorld& tiny, const Examples& examples) {
    Experiment experiment;
    experiment.supervisor.kind = SupervisorKind::noise;
    experiment.supervisor.noise = noise;
    TaskData data;
    data.classes = tiny.lab().classes();
    Splits splits;
    splits.supervisor.train = tiny.supervisor_half();
    const auto supervisor = make_supervisor({&experiment, "noise", &data, &splits, 0}, tiny.lab());
    labels = supervisor->label(examples);
    wrong = labels.targets.argmax(1).ne(examples.labels());
  }
  Supervision labels;
  Tensor wrong;  // bool [N]
  double rate() const { return wrong.to(at::kDouble).mean().item<double>(); }
};

NoiseSupervisor noise(NoiseStructure structure, std::optional<double> accuracy) {
  NoiseSupervisor params;
  params.structure = structure;
  params.accuracy = accuracy;
  if (params.needs_judge()) params.judge = "strong";
  return params;
}

// Texts of 1 … 40 letters, of two bytes each, in no order of length.
Examples texts() {
  Columns columns;
  columns.labels = at::arange(40, at::kLong).remainder(2);
  for (std::int64_t i = 0; i < 40; ++i) {
    std::string text;
    for (std::int64_t k = 0; k <= i * 17 % 40; ++k) text += "é";
    columns.text.push_back(text);
    columns.ids.push_back("text/" + std::to_string(i));
  }
  return Examples(std::move(columns));
}

TEST(StructuredNoise, OfLengthIsInTheLongestOrShortestTexts) {
  TinyWorld tiny(blobs(80, 2, 3, 1, 2), 2);
  const Examples examples = texts();
  for (const bool longest : {true, false}) {
    const Noisy noisy(noise(longest ? NoiseStructure::longest : NoiseStructure::shortest, 0.75), tiny,
                      examples);
    for (std::int64_t i = 0; i < 40; ++i) {
      const std::int64_t length = i * 17 % 40 + 1;
      EXPECT_EQ(noisy.wrong[i].item<bool>(), longest ? length > 30 : length <= 10) << length;
    }
  }
}

TEST(StructuredNoise, OfAJudgeIsWhereItIsUnsureOrConfidentlyRight) {
  TinyWorld tiny(blobs(1600, 3, 4, 1, 2), 3);
  const Student judge =
      tiny.lab().fit(Supervision::truth(tiny.supervisor_half(), 3), tiny.lab().spec_for("strong"));
  const Tensor p = tiny.lab().predict(judge, tiny.transfer());
  const auto edge = [](const Tensor& values, const Tensor& mask, bool largest) {
    const Tensor chosen = values.masked_select(mask);
    return (largest ? chosen.max() : chosen.min()).item<double>();
  };
  const Noisy unsure(noise(NoiseStructure::strong_unsure, 0.7), tiny, tiny.transfer());
  EXPECT_NEAR(unsure.rate(), 0.3, 1e-9);
  const Tensor sure = p.amax(1);
  EXPECT_LE(edge(sure, unsure.wrong, true), edge(sure, unsure.wrong.logical_not(), false));

  const Noisy right(noise(NoiseStructure::strong_right, 0.7), tiny, tiny.transfer());
  EXPECT_NEAR(right.rate(), 0.3, 1e-9);
  const Tensor of_truth = p.gather(1, tiny.transfer().labels().unsqueeze(1)).squeeze(1);
  EXPECT_GE(edge(of_truth, right.wrong, false), edge(of_truth, right.wrong.logical_not(), true));
  const Tensor judged_right = p.argmax(1).eq(tiny.transfer().labels());
  EXPECT_TRUE(judged_right.masked_select(right.wrong).all().item<bool>());
}

TEST(StructuredNoise, CanHaveTheErrorRateOfAModelInEverySet) {
  TinyWorld tiny(blobs(1600, 3, 4, 0.6, 2), 3);
  NoiseSupervisor params = noise(NoiseStructure::random, {});
  params.accuracy_of = "weak";
  for (const Examples& examples : {tiny.transfer(), tiny.test()}) {
    const double accuracy = tiny.accuracy(tiny.lab().supervisor(), examples);
    EXPECT_LT(accuracy, 0.9);
    EXPECT_NEAR(1 - Noisy(params, tiny, examples).rate(), accuracy, 1e-9);
  }
}

TEST(StructuredNoise, OfAMatrixIsClassConditional) {
  TinyWorld tiny(blobs(4800, 2, 3, 1, 2), 2);
  NoiseSupervisor params = noise(NoiseStructure::matrix, {});
  params.matrix = {{1, 0}, {0.4, 0.6}};
  const Noisy noisy(params, tiny, tiny.transfer());
  const Tensor first = tiny.transfer().labels().eq(0);
  EXPECT_FALSE(noisy.wrong.masked_select(first).any().item<bool>());
  EXPECT_NEAR(noisy.wrong.masked_select(first.logical_not()).to(at::kDouble).mean().item<double>(), 0.4,
              0.05);
}

class LabelFileTest : public ::testing::Test {
 protected:
  LabelFile read(const std::string& name, const std::string& text, FileSupervisor params) {
    params.path = {folder_.path() + "/" + name};
    std::ofstream(params.path[0]) << text;
    return LabelFile(params, 3, {"cat", "dog", "cow"});
  }
  std::string mistake(const std::string& name, const std::string& text, FileSupervisor params) {
    try {
      read(name, text, std::move(params));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  static FileSupervisor hard() {
    FileSupervisor params;
    params.label = "label";
    return params;
  }
  static FileSupervisor soft(std::vector<std::string> columns) {
    FileSupervisor params;
    params.probabilities = std::move(columns);
    return params;
  }
  static Examples rows(std::vector<std::string> ids) {
    Columns columns;
    columns.labels = at::zeros({static_cast<std::int64_t>(ids.size())}, at::kLong);
    columns.dense = at::zeros({static_cast<std::int64_t>(ids.size()), 1});
    columns.ids = std::move(ids);
    return Examples(std::move(columns));
  }
  TemporaryFolder folder_;
};

TEST_F(LabelFileTest, HardLabelsAreNamesOrNumbersAndMayBeMissing) {
  const LabelFile file = read("l.csv", "id,label\nb,dog\na,2\nc,\n", hard());
  EXPECT_EQ(file.labelled(rows({"a", "b", "c", "d"})), (std::vector<std::int64_t>{0, 1}));
  const Tensor expected = at::tensor(std::vector<float>{0, 0, 1, 0, 1, 0}).view({2, 3});
  EXPECT_TRUE(file.probabilities(rows({"a", "b"})).equal(expected));
}

TEST_F(LabelFileTest, ProbabilitiesAreColumnsOrOneList) {
  const Tensor expected = at::tensor(std::vector<float>{0.5f, 0.25f, 0.25f}).view({1, 3});
  EXPECT_TRUE(read("l.csv", "id,x,y,z\na,0.5,0.25,0.25\n", soft({"x", "y", "z"}))
                  .probabilities(rows({"a"}))
                  .equal(expected));
  EXPECT_TRUE(read("l.jsonl", "{\"id\": \"a\", \"p\": [0.5, 0.25, 0.25]}\n", soft({"p"}))
                  .probabilities(rows({"a"}))
                  .equal(expected));
}

TEST_F(LabelFileTest, SafetensorsHaveTheirIdsInTheMetadata) {
  FileSupervisor params = soft({"p"});
  params.path = {folder_.path() + "/l.safetensors"};
  const Tensor p = at::tensor(std::vector<float>{0.5f, 0.25f, 0.25f, 0, 1, 0}).view({2, 3});
  save_safetensors(params.path[0], {{"p", p}}, {{"ids", "[\"a\", \"b\"]"}});
  EXPECT_TRUE(LabelFile(params, 3, {}).probabilities(rows({"b", "a"})).equal(p.flip({0})));
}

TEST_F(LabelFileTest, SafetensorsHoldHardLabelsAndAnnotatorsToo) {
  FileSupervisor params = hard();
  params.path = {folder_.path() + "/l.safetensors"};
  const Tensor labels = at::tensor(std::vector<std::int64_t>{2, -1, 0}, at::kLong);
  const Tensor votes = at::tensor(std::vector<std::int64_t>{0, 0, 1, -1, 2, -1}, at::kLong).view({3, 2});
  save_safetensors(params.path[0], {{"label", labels}, {"votes", votes}}, {{"ids", "[\"a\", \"b\", \"c\"]"}});
  const LabelFile one(params, 3, {});
  EXPECT_EQ(one.labelled(rows({"a", "b", "c"})), (std::vector<std::int64_t>{0, 2})) << "-1 is no label";
  EXPECT_TRUE(
      one.probabilities(rows({"c", "a"})).argmax(1).equal(at::tensor(std::vector<std::int64_t>{0, 2})));
  params.label = "";
  params.annotators = {"votes"};
  params.aggregate = Aggregate::majority;
  const LabelFile several(params, 3, {});
  const Tensor expected = at::tensor(std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1}).view({3, 3});
  EXPECT_TRUE(several.probabilities(rows({"a", "b", "c"})).equal(expected));
}

TEST_F(LabelFileTest, SafetensorsOfAnotherShapeAreRefused) {
  FileSupervisor params = soft({"p"});
  params.path = {folder_.path() + "/l.safetensors"};
  const auto refusal = [&](const std::map<std::string, std::string>& metadata) -> std::string {
    save_safetensors(params.path[0], {{"p", at::full({2, 3}, 1.f / 3)}}, metadata);
    try {
      LabelFile(params, 3, {});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal({}), HasSubstr("the metadata has no \"ids\""));
  EXPECT_THAT(refusal({{"ids", "[\"a\"]"}}), HasSubstr("has the shape [2, 3]: expected a row for each id"));
  EXPECT_EQ(refusal({{"ids", "[\"a\", \"b\"]"}}), "");
}

TEST_F(LabelFileTest, AnnotatorsAreAggregated) {
  FileSupervisor params;
  params.annotators = {"one", "two"};
  params.aggregate = Aggregate::majority;
  const LabelFile file = read("l.csv", "id,one,two\na,cat,dog\nb,,cow\nc,,\n", params);
  EXPECT_EQ(file.size(), 2);
  const Tensor expected = at::tensor(std::vector<float>{0.5f, 0.5f, 0, 0, 0, 1}).view({2, 3});
  EXPECT_TRUE(file.probabilities(rows({"a", "b"})).equal(expected));
}

TEST_F(LabelFileTest, BadRowsAreCountedByKindWithTheFirstPlace) {
  const std::string labels = mistake("l.csv", "id,label\na,3\nb,bird\nc,cat\nc,dog\n", hard());
  EXPECT_THAT(labels, HasSubstr("2 rows with a label that is none of the 3 classes, the first "));
  EXPECT_THAT(labels, HasSubstr("l.csv:2 ('3')"));
  EXPECT_THAT(labels, HasSubstr("1 row with an id that came before, the first "));
  EXPECT_THAT(labels, HasSubstr("expected 'cat', 'dog' or 'cow'"));
  EXPECT_THAT(mistake("l.csv", "id,x,y,z\na,0.5,0.5,0.5\nb,1,nan,0\n", soft({"x", "y", "z"})),
              HasSubstr("2 rows with probabilities that are no distribution over 3 classes, the first "));
  EXPECT_THAT(mistake("l.csv", "id,lable\na,1\n", hard()), HasSubstr("lable"));
}

Experiment experiment(const std::string& pairs, const std::string& supervisor) {
  return parse_experiments("task = 'toy'\nmodels = { small = 'm', large = 'm' }\npairs = " + pairs +
                               "\nsupervisor = " + supervisor + "\n",
                           "e.toml")[0];
}

std::string mistake_of(const std::string& pairs, const std::string& supervisor) {
  try {
    experiment(pairs, supervisor);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(SupervisorTable, NamesTheWeakSideAndReadsBackEqual) {
  const Experiment noise =
      experiment("{ strong = 'large' }", "{ type = 'noise', structure = 'strong_unsure', accuracy = 0.8 }");
  EXPECT_EQ(noise.pairs[0].weak, "noise");
  EXPECT_EQ(noise.supervisor.models(), std::vector<std::string>{"large"});
  EXPECT_EQ(parse_experiments(noise.to_toml(), "again.toml")[0].to_toml(), noise.to_toml());
  const Experiment people =
      experiment("{ weak = 'people', strong = 'large' }", "{ type = 'file', path = 'l.csv' }");
  EXPECT_EQ(people.pairs[0].weak, "people");
  EXPECT_EQ(people.supervisor.file.label, "label");
  EXPECT_EQ(parse_experiments(people.to_toml(), "again.toml")[0].to_toml(), people.to_toml());
}

TEST(SupervisorTable, RefusesWhatMakesNoSense) {
  const std::string strong = "{ strong = 'large' }";
  EXPECT_THAT(mistake_of(strong, "{ type = 'files' }"),
              HasSubstr("unknown type 'files' (did you mean 'file'?)"));
  EXPECT_THAT(mistake_of(strong, "{ type = 'noise' }"),
              HasSubstr("expected accuracy or accuracy_of, found neither"));
  EXPECT_THAT(mistake_of(strong, "{ type = 'noise', accuracy_of = 'smal' }"),
              HasSubstr("did you mean 'small'?"));
  EXPECT_THAT(mistake_of(strong, "{ type = 'noise', structure = 'matrix', matrix = [[1, 0], [0.5, 0.4]] }"),
              HasSubstr("row 1"));
  EXPECT_THAT(mistake_of(strong, "{ type = 'file', path = 'l', label = 'a', annotators = 'b' }"),
              HasSubstr("found 2 of them"));
  EXPECT_THAT(mistake_of("{ weak = 'small', strong = 'large' }", "{ type = 'noise', accuracy = 0.5 }"),
              HasSubstr("weak = 'small' is a model"));
  EXPECT_THAT(mistake_of("{ ladder = ['small', 'large'] }", "{ type = 'noise', accuracy = 0.5 }"),
              HasSubstr("ladder"));
}

}  // namespace
}  // namespace w2s::testing
