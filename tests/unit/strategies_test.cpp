// The strategies of plugins/strategies against a lab that only writes down what it is asked.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "../support/noting_lab.hpp"
#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

using testing::Call;
using testing::NotingLab;

// Ten examples; group i / 2 where `grouped`.
Examples ten(bool grouped = false) {
  Columns columns;
  columns.dense = at::arange(10, at::kFloat).unsqueeze(1);
  columns.labels = at::zeros({10}, at::kLong);
  for (std::int64_t i = 0; i < 10; ++i) {
    columns.ids.push_back("train/" + std::to_string(i));
    if (grouped) columns.groups.push_back(i / 2);
  }
  return Examples(columns);
}

// Six examples of class 0 and four of class 1, surer from one to the next within each class.
Supervision weak_labels() {
  const Tensor p0 = at::tensor({.6, .65, .7, .75, .8, .85, .4, .3, .2, .1}).to(at::kFloat);
  return Supervision::soft(ten(), at::stack({p0, 1 - p0}, 1));
}

NotingLab run(const std::string& name, const Table& params, const Supervision& labels,
              const FitSpec& spec = {}) {
  NotingLab lab;
  const auto strategy = plugins().make_strategy({name, params, {}});
  strategy->check({TaskKind::classification, 2, lab.models(), "large"});
  const Student student = strategy->supervise(
      labels, spec, lab, [&](const Supervision& given, const FitSpec& with) { return lab.fit(given, with); });
  EXPECT_EQ(student.members().at(0), "fit " + std::to_string(lab.calls.size()))
      << "the last fit is the student";
  return lab;
}

std::vector<std::int64_t> rows(const Call& call) { return call.labels.examples.rows(); }

double first_target(const Call& call) { return call.labels.targets[0][0].item<double>(); }

TEST(Confidence, KeepsTheSurestOfEachClass) {
  const Supervision labels = weak_labels();
  EXPECT_EQ(surest_per_class(labels, 0.5), (std::vector<std::int64_t>{3, 4, 5, 8, 9}));
  EXPECT_EQ(surest_per_class(labels, 0.01), (std::vector<std::int64_t>{5, 9}))
      << "at least one of each class";
  EXPECT_EQ(surest_per_class(labels, 1).size(), 10u);
  EXPECT_EQ(complement({3, 4, 5, 8, 9}, 10), (std::vector<std::int64_t>{0, 1, 2, 6, 7}));
}

// The same examples in another order.
std::vector<std::string> ids_of(const Supervision& labels, const std::vector<std::int64_t>& positions) {
  std::vector<std::string> ids;
  for (const std::int64_t i : positions) ids.push_back(labels.examples.id(i));
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(Confidence, LetsNoOrderOfRowsChooseAmongEquallySureExamples) {
  const Supervision equal = Supervision::soft(ten(), at::tensor({.9f, .1f}).repeat({10, 1}));
  const Supervision reversed = equal.select({9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
  const auto kept = ids_of(equal, surest_per_class(equal, 0.3));
  EXPECT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept, ids_of(reversed, surest_per_class(reversed, 0.3)));
  EXPECT_NE(kept, (std::vector<std::string>{"train/0", "train/1", "train/2"}));
}

TEST(Confidence, IsToldOfHardenedLabelsToo) {
  const Supervision labels = weak_labels(), hard = labels.hardened();
  EXPECT_TRUE(confidence(hard).equal(confidence(labels)));
  EXPECT_EQ(surest_per_class(hard, 0.5), surest_per_class(labels, 0.5));
  EXPECT_DOUBLE_EQ(expected_noise(hard), expected_noise(labels));
  EXPECT_TRUE(confidence(hard.select({2, 7})).equal(confidence(labels.select({2, 7}))));
}

std::string refusal(const std::string& name, const Table& params, const Supervision& labels) {
  NotingLab lab;
  try {
    plugins()
        .make_strategy({name, params, {}})
        ->supervise(labels, {}, lab, [&](const Supervision& l, const FitSpec& f) { return lab.fit(l, f); });
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(OneHotLabels, AreRefusedByWhatGoesByTheirConfidence) {
  const Supervision one_hot = Supervision::soft(ten(), at::tensor({1.f, 0.f}).repeat({10, 1}));
  for (const char* name : {"co_teaching", "co_teaching_plus"}) {
    EXPECT_NE(refusal(name, {}, one_hot).find("set 'noise'"), std::string::npos)
        << refusal(name, {}, one_hot);
    EXPECT_EQ(refusal(name, {{"noise", 0.2}}, one_hot), "nothing was refused");
    EXPECT_EQ(refusal(name, {}, weak_labels()), "nothing was refused");
  }
  for (const char* name : {"divdis", "confidence_filter", "confidence_weight", "relabel"}) {
    const std::string message = refusal(name, {}, one_hot);
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_NE(message.find("equally sure"), std::string::npos) << message;
  }
}

TEST(RandomFilter, DrawsAnewOnEveryRungOfALadder) {
  NotingLab lab;
  const Next filter = [&](const Supervision& labels, const FitSpec& spec) {
    return plugins()
        .make_strategy({"random_filter", {{"keep", 0.5}}, {}})
        ->supervise(labels, spec, lab, [&](const Supervision& l, const FitSpec& f) { return lab.fit(l, f); });
  };
  const auto climb = [&] {
    lab.calls.clear();
    plugins()
        .make_strategy({"bootstrap", {{"ladder", List{"small", "medium"}}}, {}})
        ->supervise(weak_labels(), {}, lab, filter);
    std::vector<std::vector<std::int64_t>> kept;
    for (const Call& call : lab.calls) kept.push_back(call.labels.examples.rows());
    return kept;
  };
  const auto kept = climb();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_NE(kept[0], kept[1]);
  EXPECT_NE(kept[1], kept[2]);
  EXPECT_EQ(kept, climb()) << "alike for one seed";
}

// Of how many models each shipped strategy's student is the mean, and which true labels it reads.
TEST(EveryStrategy, SaysWhichTruthItReadsAndHowManyModelsItsStudentIsTheMeanOf) {
  const std::set<std::string> supervisor_half = {"aligner", "co_supervised", "divdis", "ensemble",
                                                 "last_layer_retrain"},
                              pairs = {"co_teaching", "co_teaching_plus", "divide_mix", "naive"};
  for (const std::string& name : plugins().names(PluginKind::strategy)) {
    SCOPED_TRACE(name);
    const Table params = name == "bootstrap" ? Table{{"ladder", List{"weak"}}} : Table{};
    const auto strategy = plugins().make_strategy({name, params, {}});
    EXPECT_STREQ(name_of(strategy->reads_truth()),
                 name_of(supervisor_half.count(name) ? Truth::supervisor_half : Truth::none));
    EXPECT_EQ(strategy->members(), pairs.count(name) ? 2 : 1);
  }
  EXPECT_EQ(plugins().make_strategy({"superfilter", {{"model", "weak"}}, {}})->reads_truth(),
            Truth::supervisor_half)
      << "its scorer is fitted to them, unless it is the supervisor";
}

// check() may throw at what an experiment lacks, never at a kind of task: that is what serves() is for.
TEST(EveryStrategy, ChecksAreNotAboutTheKindOfTask) {
  for (const std::string& name : plugins().names(PluginKind::strategy)) {
    SCOPED_TRACE(name);
    const Table params = name == "bootstrap" ? Table{{"ladder", List{"weak"}}} : Table{};
    const auto strategy = plugins().make_strategy({name, params, {}});
    for (const TaskKind kind : all_values<TaskKind>())
      EXPECT_NO_THROW(strategy->check({kind, 2, {"weak", "strong"}, "strong", false})) << name_of(kind);
  }
}

TEST(LinearProbe, TrainsTheHeadOnly) {
  const NotingLab lab = run("linear_probe", {}, weak_labels());
  ASSERT_EQ(lab.calls.size(), 1u);
  EXPECT_EQ(lab.calls[0].spec.train.trainable, Trainable::head());
  EXPECT_EQ(rows(lab.calls[0]).size(), 10u);
}

TEST(LpFt, FineTunesFromTheProbe) {
  FitSpec spec;
  spec.train.lr = 1e-5;
  spec.train.trainable = Trainable::all();
  const NotingLab lab = run("lp_ft", {{"epochs", 7}}, weak_labels(), spec);
  ASSERT_EQ(lab.calls.size(), 2u);
  const FitSpec &probe = lab.calls[0].spec, &tune = lab.calls[1].spec;
  EXPECT_EQ(probe.train.trainable, Trainable::head());
  EXPECT_EQ(probe.train.epochs, 7);
  EXPECT_DOUBLE_EQ(probe.train.lr, 1e-3);
  EXPECT_TRUE(probe.start.empty());
  EXPECT_EQ(tune.train.trainable, Trainable::all());
  EXPECT_DOUBLE_EQ(tune.train.lr, 1e-5);
  EXPECT_EQ(tune.start.members().at(0), "fit 1");
}

TEST(ConfidenceFilter, FitsToTheSurestExamples) {
  const NotingLab lab = run("confidence_filter", {{"keep", 0.5}}, weak_labels());
  ASSERT_EQ(lab.calls.size(), 1u);
  EXPECT_EQ(rows(lab.calls[0]), (std::vector<std::int64_t>{3, 4, 5, 8, 9}));
}

TEST(ConfidenceWeight, WeighsByConfidenceAndKeepsTheMean) {
  const NotingLab lab = run("confidence_weight", {{"power", 2}}, weak_labels());
  const Tensor weights = lab.calls.at(0).labels.weights;
  EXPECT_NEAR(weights.mean().item<double>(), 1, 1e-6);
  EXPECT_NEAR((weights[9] / weights[0]).item<double>(), 0.81 / 0.36, 1e-5);
}

TEST(Relabel, ReplacesTheUnsureLabelsByTheFirstStudents) {
  const Supervision labels = weak_labels();
  const NotingLab lab = run("relabel", {{"keep", 0.5}, {"second_keep", 1}}, labels);
  ASSERT_EQ(lab.calls.size(), 2u);
  EXPECT_EQ(rows(lab.calls[0]), (std::vector<std::int64_t>{3, 4, 5, 8, 9}));
  const Tensor targets = lab.calls[1].labels.targets;
  for (const std::int64_t i : {3, 4, 5, 8, 9}) EXPECT_TRUE(targets[i].equal(labels.targets[i])) << i;
  for (const std::int64_t i : {0, 1, 2, 6, 7}) EXPECT_NEAR(targets[i][0].item<double>(), 0.1, 1e-6) << i;
}

TEST(Relabel, KeepsOfItsOwnLabelsAShareOfEachClass) {
  const NotingLab lab = run("relabel", {{"keep", 0.5}, {"second_keep", 0.4}}, weak_labels());
  ASSERT_EQ(lab.calls.size(), 2u);
  EXPECT_EQ(rows(lab.calls[1]).size(), 7u) << "five sure labels and two of five of its own, all of one class";
  EXPECT_THAT(rows(lab.calls[1]), ::testing::IsSupersetOf({3, 4, 5, 8, 9}));
}

TEST(Relabel, KeepingAllIsNaive) { EXPECT_EQ(run("relabel", {{"keep", 1}}, weak_labels()).calls.size(), 1u); }

TEST(SelfTrain, LearnsEachRoundFromTheLastStudent) {
  FitSpec spec;
  spec.validation = weak_labels();
  Supervision labels = weak_labels();
  labels.weights = at::full({10}, 0.5f);
  const NotingLab lab = run("self_train", {{"rounds", 2}}, labels, spec);
  ASSERT_EQ(lab.calls.size(), 3u);
  EXPECT_NEAR(first_target(lab.calls[0]), 0.6, 1e-6);
  EXPECT_NEAR(first_target(lab.calls[1]), 0.1, 1e-6);
  EXPECT_NEAR(first_target(lab.calls[2]), 0.2, 1e-6);
  EXPECT_TRUE(lab.calls[2].labels.weights.equal(labels.weights));
  EXPECT_NEAR(lab.calls[2].spec.validation->targets[0][0].item<double>(), 0.2, 1e-6);
  EXPECT_NEAR(spec.validation->targets[0][0].item<double>(), 0.6, 1e-6);
}

TEST(Bootstrap, ClimbsTheLadder) {
  FitSpec spec;
  spec.model = "large";
  const NotingLab lab = run("bootstrap", {{"ladder", List{"small", "medium"}}}, weak_labels(), spec);
  ASSERT_EQ(lab.calls.size(), 3u);
  EXPECT_EQ(lab.calls[0].spec.model, "small");
  EXPECT_EQ(lab.calls[1].spec.model, "medium");
  EXPECT_EQ(lab.calls[2].spec.model, "large");
  EXPECT_NEAR(first_target(lab.calls[0]), 0.6, 1e-6);
  EXPECT_NEAR(first_target(lab.calls[1]), 0.1, 1e-6);
  EXPECT_NEAR(first_target(lab.calls[2]), 0.2, 1e-6);
}

TEST(Bootstrap, GivesEachStepFreshExamplesAndSplitsNoGroup) {
  const Supervision labels = Supervision::soft(ten(true), at::tensor({.9f, .1f}).repeat({10, 1}));
  const Table params{{"ladder", List{"small", "medium"}}, {"fresh_examples", true}};
  const NotingLab lab = run("bootstrap", params, labels);
  ASSERT_EQ(lab.calls.size(), 3u);
  std::vector<std::int64_t> all;
  for (const Call& call : lab.calls) {
    const auto part = rows(call);
    EXPECT_GE(part.size(), 2u);
    EXPECT_LE(part.size(), 4u);
    for (const std::int64_t row : part) EXPECT_TRUE(std::count(part.begin(), part.end(), row ^ 1)) << row;
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Bootstrap, RefusesALadderThatIsNotThere) {
  const auto complaint = [](const List& ladder) -> std::string {
    const auto strategy = plugins().make_strategy({"bootstrap", {{"ladder", ladder}}, {}});
    try {
      strategy->check({TaskKind::classification, 2, {"small", "medium", "large"}, "large"});
    } catch (const UsageError& e) {
      return e.what();
    }
    return "nothing was refused";
  };
  EXPECT_NE(complaint({"smal"}).find("'smal', which is not in [models] (did you mean 'small'?)"),
            std::string::npos)
      << complaint({"smal"});
  EXPECT_NE(complaint({}).find("names no model"), std::string::npos);
}

}  // namespace
}  // namespace w2s
