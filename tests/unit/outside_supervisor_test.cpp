// Labels from outside: annotators, label files, noise, and the table that asks for them.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <w2s/safetensors.hpp>

#include "../support/tiny_world.hpp"
#include "lab/annotators.hpp"
#include "lab/label_file.hpp"
#include "lab/label_noise.hpp"

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

TEST_F(LabelFileTest, AnnotatorsAreAggregated) {
  FileSupervisor params;
  params.annotators = {"one", "two"};
  params.aggregate = "majority";
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
