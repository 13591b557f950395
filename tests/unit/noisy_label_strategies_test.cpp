// What the strategies against wrong labels claim, on small problems whose answer is known.
#include <w2s/confidence.hpp>
#include <w2s/folds.hpp>
#include <w2s/losses.hpp>
#include <w2s/mixture.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/small_losses.hpp>

#include <gtest/gtest.h>

#include <fstream>

#include "../support/noting_lab.hpp"
#include "../support/tiny_world.hpp"
#include "plan/validate.hpp"

namespace w2s {
namespace {

using testing::blobs;
using testing::plugins;
using testing::TinyWorld;

// Ten classes' worth of room to memorise: many parameters, few examples.
TinyWorld::Options memorizing(std::int64_t epochs) {
  TinyWorld::Options options;
  options.strong = {{"hidden", List{64}}};
  options.train = {{"optimizer", "adam"}, {"lr", 5e-3},        {"epochs", epochs},
                   {"batch", 32},         {"head_bias", true}, {"schedule", "constant"}};
  return options;
}

// Of the examples that `kept` leaves out: the share that was flipped, and the share of the flipped that it
// is.
struct Found {
  double precision, recall;
};
Found found(const Examples& all, const Examples& kept, const std::vector<bool>& flipped) {
  std::vector<bool> dropped(flipped.size(), true);
  for (std::int64_t i = 0; i < kept.size(); ++i)
    dropped[static_cast<std::size_t>(kept.row(i) - all.row(0))] = false;
  double both = 0, out = 0, wrong = 0;
  for (std::size_t i = 0; i < flipped.size(); ++i) {
    both += dropped[i] && flipped[i];
    out += dropped[i];
    wrong += flipped[i];
  }
  return {both / std::max(1.0, out), both / std::max(1.0, wrong)};
}

TEST(SmallLosses, TellPlantedFlipsFromCleanLabels) {
  TinyWorld tiny(blobs(2000, 4, 10, 1.5, 1), 4, memorizing(3));
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 4, 0.3, flipped);
  const Student early = tiny.lab().fit(labels, tiny.spec());
  const Tensor losses =
      cross_entropy(tiny.lab().predict(early, tiny.transfer()).clamp_min(1e-9).log(), labels.targets);
  const Tensor clean = lower_component((losses - losses.min()) / (losses.max() - losses.min()));
  double both = 0, out = 0, wrong = 0;
  for (std::size_t i = 0; i < flipped.size(); ++i) {
    const bool noisy = clean[static_cast<std::int64_t>(i)].item<double>() < 0.5;
    both += noisy && flipped[i];
    out += noisy;
    wrong += flipped[i];
  }
  EXPECT_GT(both / out, 0.9);
  EXPECT_GT(both / wrong, 0.9);
}

class AgainstMemorizing : public ::testing::TestWithParam<std::pair<std::string, Table>> {};

TEST_P(AgainstMemorizing, BeatsNaiveAtFortyPercentSymmetricNoise) {
  TinyWorld tiny(blobs(2400, 4, 20, 0.7, 3), 4, memorizing(40));
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 4, 0.4, flipped);
  const double naive = tiny.accuracy(tiny.lab().fit(labels, tiny.spec()));
  const double robust = tiny.accuracy(tiny.run(GetParam().first, GetParam().second, labels));
  EXPECT_GT(robust, naive + 0.03);
  RecordProperty("naive", std::to_string(naive));
  RecordProperty("robust", std::to_string(robust));
}

INSTANTIATE_TEST_SUITE_P(Strategies, AgainstMemorizing,
                         ::testing::Values(std::pair{std::string("co_teaching"), Table{{"noise", 0.4}}},
                                           std::pair{std::string("co_teaching_plus"), Table{{"noise", 0.4}}},
                                           std::pair{std::string("divide_mix"), Table{{"warmup", 0.1}}},
                                           std::pair{std::string("confident_learning"), Table{}},
                                           std::pair{std::string("knn_filter"),
                                                     Table{{"contamination", 0.4}}},
                                           std::pair{std::string("mixup"), Table{}}),
                         [](const auto& info) { return info.param.first; });

TEST(CoTeaching, GivesTwoStudentsThatDiffer) {
  TinyWorld tiny(blobs(400, 2, 5, 1, 3), 2);
  const Student pair = tiny.run("co_teaching", {}, tiny.weak_labels());
  ASSERT_EQ(pair.members().size(), 2u);
  const Tensor a = tiny.lab().predict(Student(pair.members()[0]), tiny.test());
  const Tensor b = tiny.lab().predict(Student(pair.members()[1]), tiny.test());
  EXPECT_FALSE(a.equal(b));
  EXPECT_TRUE(at::allclose(tiny.lab().predict(pair, tiny.test()), (a + b) / 2));
}

TEST(CoTeachingPlus, KeepsItsStudentsFurtherApartThanCoTeaching) {
  // Yu et al. 2019: students that learn from their disagreements do not become one.
  TinyWorld tiny(blobs(2400, 4, 20, 0.7, 3), 4, memorizing(40));
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 4, 0.4, flipped);
  const auto differ = [&](const std::string& name) {
    const Student pair = tiny.run(name, {{"noise", 0.4}}, labels);
    return tiny.lab()
        .predict(Student(pair.members()[0]), tiny.test())
        .argmax(1)
        .ne(tiny.lab().predict(Student(pair.members()[1]), tiny.test()).argmax(1))
        .to(at::kDouble)
        .mean()
        .item<double>();
  };
  EXPECT_GT(differ("co_teaching_plus"), differ("co_teaching"));
}

TEST(SmallLosses, AreCountedByTheShareThatIsLeftOut) {
  EXPECT_EQ(small_loss_count(100, 0), 100);
  EXPECT_EQ(small_loss_count(100, 0.4), 60);
  EXPECT_EQ(small_loss_count(5, 0.2), 4);
  EXPECT_EQ(small_loss_count(3, 0.5), 2) << "rounded up";
  EXPECT_EQ(small_loss_count(1, 0.9), 1);
}

TEST(SmallLosses, AreThoseOfTheHardLabelNotOfItsUncertainty) {
  // The first label is right but unsure, the second wrong and sure.
  const Tensor logits = at::tensor({2., 0., 1., 0.}, at::kDouble).view({2, 2});
  const Tensor targets = at::tensor({.55, .45, .1, .9}, at::kDouble).view({2, 2});
  const Tensor losses = hard_label_losses(logits, targets);
  EXPECT_NEAR(losses[0].item<double>(), std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(losses[1].item<double>(), std::log1p(std::exp(1.0)), 1e-12);
  EXPECT_EQ(smallest(losses, 1)[0].item<std::int64_t>(), 0);
}

TEST(CoTeaching, EstimatesTheNoiseOfLabelsBeforeTheyAreHardened) {
  // A quarter of the labels is wrong, and the labels say so.
  TinyWorld tiny(blobs(1200, 3, 6, 1, 3), 3, memorizing(4));
  std::vector<bool> flipped;
  const Supervision labels = Supervision::soft(
      tiny.transfer(), testing::with_flips(tiny.transfer(), 3, 0.25, flipped).targets * 0.625 + 0.125);
  FitSpec hard = tiny.spec();
  hard.train = parse_train({{"optimizer", "adam"}, {"lr", 5e-3}, {"epochs", 4}, {"labels", "hard"}}, "train");
  for (const char* name : {"co_teaching", "co_teaching_plus"}) {
    const auto after = [&](const Table& params) {
      return tiny.lab().predict(tiny.run({Spec{name, params, {}}}, labels, hard), tiny.test());
    };
    EXPECT_TRUE(after({}).equal(after({{"noise", expected_noise(labels)}}))) << name;
    EXPECT_FALSE(after({}).equal(after({{"noise", 0.0}}))) << name;
  }
}

TEST(Lab, TellsFitsOfOneHardLabellingApartWhereARuleMayAskHowSureItWas) {
  TinyWorld tiny(blobs(400, 2, 5, 1, 3), 2);
  FitSpec hard = tiny.spec();
  hard.train = parse_train({{"labels", "hard"}, {"epochs", 1}}, "train");
  const Supervision labels = tiny.weak_labels();
  Supervision surer = labels;
  surer.targets = (labels.targets + labels.hardened().targets) / 2;
  EXPECT_EQ(tiny.lab().fit(labels, hard).members(), tiny.lab().fit(surer, hard).members());
  EXPECT_NE(tiny.run({Spec{"co_teaching", {}, {}}}, labels, hard).members(),
            tiny.run({Spec{"co_teaching", {}, {}}}, surer, hard).members());
}

TEST(TwoStudents, AreNotPlainOnesInATrainingOfOneEpoch) {
  // Ramps that count epochs once left all three of them the same plain pair.
  TinyWorld tiny(blobs(2400, 4, 10, 0.7, 3), 4, memorizing(1));
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 4, 0.4, flipped);
  const auto after = [&](const std::string& name, const Table& params) {
    return tiny.lab().predict(tiny.run(name, params, labels), tiny.test());
  };
  const Tensor plain = after("co_teaching", {{"noise", 0.0}}),
               exchange = after("co_teaching", {{"noise", 0.4}}),
               disagree = after("co_teaching_plus", {{"noise", 0.4}}), divide = after("divide_mix", {}),
               divide_only = after("divide_mix", {{"lambda", 0.0}});
  EXPECT_FALSE(exchange.equal(plain));
  EXPECT_FALSE(disagree.equal(exchange));
  EXPECT_FALSE(divide.equal(plain));
  EXPECT_FALSE(divide.equal(divide_only)) << "λ rises within the epoch";
}

TEST(ConfidentJoint, RecoversAPlantedNoiseMatrix) {
  // Class 0 is labelled 1 in 30 % of its cases, class 2 is labelled 0 in 10 %; predictions are right and
  // sure.
  const std::int64_t n = 3000;
  Tensor truth = at::arange(n, at::kLong).remainder(3), given = truth.clone();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t turn = i / 3 % 10;
    if (i % 3 == 0 && turn < 3) given[i] = 1;
    if (i % 3 == 2 && turn < 1) given[i] = 0;
  }
  const Tensor p = at::one_hot(truth, 3).to(at::kFloat) * 0.94 + 0.02;
  const Tensor expected = at::tensor({.7, .0, .1, .3, 1., .0, .0, .0, .9}, at::kDouble).view({3, 3}) / 3;
  EXPECT_TRUE(at::allclose(confident_joint(given, p).joint, expected, 0, 1e-6))
      << confident_joint(given, p).joint;
}

TEST(ConfidentJoint, IsRecoveredFromStudentsOfTheOtherFolds) {
  // Class 0 is labelled 1 in 30 % of its cases, class 2 is labelled 0 in 20 %.
  TinyWorld tiny(blobs(4800, 3, 8, 2, 1), 3, memorizing(3));
  const Tensor truth = tiny.transfer().labels();
  Tensor given = truth.clone();
  for (std::int64_t i = 0; i < truth.size(0); ++i) {
    const std::int64_t y = truth[i].item<std::int64_t>(), turn = i / 3 % 10;
    if (y == 0 && turn < 3) given[i] = 1;
    if (y == 2 && turn < 2) given[i] = 0;
  }
  const Supervision labels = Supervision::soft(tiny.transfer(), at::one_hot(given, 3).to(at::kFloat));
  const Next fit = [&](const Supervision& some, const FitSpec& spec) { return tiny.lab().fit(some, spec); };
  const Tensor p = cross_predict(labels, tiny.spec(), 5, tiny.lab(), fit);
  const Tensor expected = at::tensor({.7, .0, .2, .3, 1., .0, .0, .0, .8}, at::kDouble).view({3, 3}) / 3;
  EXPECT_TRUE(at::allclose(confident_joint(given, p).joint, expected, 0, 0.025))
      << confident_joint(given, p).joint;
}

TEST(ConfidentLearning, PrunesOrRelabelsThePlantedFlips) {
  TinyWorld tiny(blobs(2000, 3, 8, 2, 1), 3, memorizing(5));
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 3, 0.2, flipped);
  const auto pruned = tiny.handed_on("confident_learning", {}, labels);
  ASSERT_EQ(pruned.size(), 6u) << "five folds and the student";
  const Found flips = found(tiny.transfer(), pruned.back().examples, flipped);
  EXPECT_GT(flips.precision, 0.9);
  EXPECT_GT(flips.recall, 0.9);
  const Supervision relabelled = tiny.handed_on("confident_learning", {{"action", "relabel"}}, labels).back();
  ASSERT_EQ(relabelled.size(), labels.size());
  const Tensor right = relabelled.targets.argmax(1).eq(relabelled.examples.labels()).to(at::kDouble);
  EXPECT_GT(right.mean().item<double>(), 0.95);
}

TEST(KnnFilter, DropsThePlantedFlips) {
  TinyWorld tiny(blobs(2000, 3, 8, 2, 1), 3);
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 3, 0.2, flipped);
  const Supervision kept = tiny.handed_on("knn_filter", {{"contamination", 0.2}}, labels).back();
  EXPECT_EQ(kept.size(), 400);
  const Found flips = found(tiny.transfer(), kept.examples, flipped);
  EXPECT_GT(flips.precision, 0.85);
  EXPECT_GT(flips.recall, 0.85);
}

TEST(TopoFilter, DropsThePlantedFlips) {
  TinyWorld tiny(blobs(2000, 3, 8, 2, 1), 3);
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 3, 0.2, flipped);
  const Supervision kept = tiny.handed_on("topo_filter", {{"k", 15}, {"contamination", 0.02}}, labels).back();
  const Found flips = found(tiny.transfer(), kept.examples, flipped);
  EXPECT_GT(flips.precision, 0.8);
  EXPECT_GT(flips.recall, 0.9);
}

TEST(KnnFilter, GoesBySoftLabelsAsTheyAre) {
  // Row 0's label says .6; its neighbours say .95 of the same class. Row 4's says .9 in a neighbourhood of
  // .55.
  Columns columns;
  columns.dense = at::tensor({0., 0.1, -0.1, 0.2, 9., 9.1, 8.9, 9.2}, at::kFloat).unsqueeze(1);
  columns.labels = at::zeros({8}, at::kLong);
  for (int i = 0; i < 8; ++i) columns.ids.push_back(std::to_string(i));
  const Tensor p = at::tensor({.6, .95, .95, .95, .6, .55, .55, .55}, at::kFloat);
  testing::NotingLab lab;
  plugins()
      .make_strategy({"knn_filter", {{"k", 3}, {"contamination", 0.125}}, {}})
      ->supervise(Supervision::soft(Examples(columns), at::stack({p, 1 - p}, 1)), {}, lab,
                  [&](const Supervision& l, const FitSpec& f) { return lab.fit(l, f); });
  EXPECT_EQ(lab.calls.at(0).labels.examples.rows(), (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7}));
}

TEST(TopoFilter, FollowsNeighboursOneWayAndLogsTheShareOfEachClass) {
  // Class 0: a chain of five of which each one's nearest are the two before it and the two behind, and a pair
  // far away. Class 1: three.
  Columns columns;
  columns.dense = at::tensor({0., 1., 2.1, 3.3, 4.6, 50., 50.1, 100., 100.1, 100.3}, at::kFloat).unsqueeze(1);
  columns.labels = at::zeros({10}, at::kLong);
  for (int i = 0; i < 10; ++i) columns.ids.push_back(std::to_string(i));
  const Tensor classes = at::tensor({0, 0, 0, 0, 0, 0, 0, 1, 1, 1}, at::kLong);
  const Supervision labels = Supervision::soft(Examples(columns), at::one_hot(classes, 2).to(at::kFloat));
  const auto kept = [&](double contamination, std::string* line) {
    testing::NotingLab lab;
    plugins()
        .make_strategy({"topo_filter", {{"k", 2}, {"contamination", contamination}}, {}})
        ->supervise(labels, {}, lab, [&](const Supervision& l, const FitSpec& f) { return lab.fit(l, f); });
    if (line != nullptr) *line = lab.lines.at(0);
    return lab.calls.at(0).labels.examples.rows();
  };
  std::string line;
  EXPECT_EQ(kept(0, &line), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 7, 8, 9}));
  EXPECT_NE(line.find("8 of 10 examples kept; of each class 5/7 3/3"), std::string::npos) << line;
  EXPECT_EQ(kept(0.2, nullptr).size(), 8u) << "two of ten are lost already";
  EXPECT_EQ(kept(0.3, nullptr).size(), 7u);
}

TEST(Mixup, AlmostWithoutMixingIsNaiveAndMixingMakesUnsure) {
  TinyWorld tiny(blobs(400, 3, 6, 1, 4), 3, memorizing(30));
  const Supervision labels = Supervision::truth(tiny.transfer(), 3);
  const Tensor naive = tiny.lab().predict(tiny.lab().fit(labels, tiny.spec()), tiny.test());
  const Tensor barely = tiny.lab().predict(tiny.run("mixup", {{"alpha", 1e-6}}, labels), tiny.test());
  const Tensor mixed = tiny.lab().predict(tiny.run("mixup", {}, labels), tiny.test());
  EXPECT_TRUE(at::allclose(naive, barely, 0, 0.02)) << (naive - barely).abs().max().item<double>();
  EXPECT_LT(mixed.amax(1).mean().item<double>(), naive.amax(1).mean().item<double>() - 0.02);
}

TEST(Ema, KeepsTheWeightedMeanOfTheSteps) {
  TinyWorld::Options options;
  options.train = {{"optimizer", "sgd"}, {"lr", 0.5},           {"batch", 1000},
                   {"shuffle", false},   {"trainable", "head"}, {"schedule", "constant"}};
  TinyWorld tiny(blobs(200, 2, 4, 1, 4), 2, options);
  const Supervision labels = tiny.weak_labels();
  const auto head = [&](std::int64_t epochs, const std::vector<Spec>& chain) {
    FitSpec spec = tiny.spec();
    spec.train.epochs = epochs;
    const Student student = tiny.run(chain, labels, spec);
    const std::string& key = student.members()[0];
    return SafeTensors::open(Store::read_only(tiny.store()).path(key) + "/model.safetensors")
        .at("head.weight")
        .clone();
  };
  const Tensor expected = (0.25 * head(1, {}) + 0.5 * head(2, {}) + head(3, {})) / 1.75;
  const Tensor averaged = head(3, {Spec{"ema", {{"decay", 0.5}}, {}}});
  EXPECT_TRUE(at::allclose(averaged, expected, 1e-5, 1e-6)) << averaged << expected;
}

TEST(CoTeaching, FineTunesBothStudentsFromTheirProbes) {
  TinyWorld tiny(blobs(400, 2, 5, 1, 3), 2);
  const std::vector<Spec> chain{{"co_teaching", {}, {}}, {"lp_ft", {{"epochs", 5}}, {}}};
  const Student pair = tiny.run(chain, tiny.weak_labels(), tiny.spec());
  ASSERT_EQ(pair.members().size(), 2u);
  EXPECT_GT(tiny.accuracy(pair), 0.8);
  FitSpec single = tiny.spec();
  single.start = pair;
  EXPECT_THROW(tiny.lab().fit(tiny.weak_labels(), single), UsageError);
}

TEST(Strategies, RefuseTokensWhereTheyJudgeWholeExamples) {
  for (const char* name :
       {"co_teaching", "co_teaching_plus", "divide_mix", "mixup", "divdis", "knn_filter", "topo_filter",
        "confident_learning", "last_layer_retrain", "ensemble", "co_supervised"}) {
    EXPECT_NE(plugins().make_strategy({name, {}, {}})->serves(TaskKind::generation), "") << name;
  }
}

TEST(Strategies, RefusePairsWhereTheyNeedOneFeatureVectorAnExample) {
  for (const char* name : {"knn_filter", "topo_filter", "last_layer_retrain", "co_supervised"}) {
    EXPECT_NE(plugins().make_strategy({name, {}, {}})->serves(TaskKind::preference), "") << name;
  }
}

TEST(Strategies, RefuseLabelsFromOutsideWhereTheyNeedTheSupervisorsOwnFit) {
  StrategyContext context{TaskKind::classification, 2, {"strong"}, "strong"};
  for (const char* name : {"divdis", "last_layer_retrain", "ensemble", "co_supervised"}) {
    const auto strategy = plugins().make_strategy({name, {}, {}});
    context.labels_from_outside = false;
    EXPECT_NO_THROW(strategy->check(context)) << name;
    context.labels_from_outside = true;
    try {
      strategy->check(context);
      ADD_FAILURE() << name << " was not refused";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("from outside"), std::string::npos) << error.what();
    }
  }
}

TEST(Chains, TakeOnlyOneStrategyThatDecidesWhatAStepMinimises) {
  Experiment experiment;
  experiment.models = {{"weak", {"mlp", {}, {}}, "", {}, {}}, {"strong", {"mlp", {}, {}}, "", {}, {}}};
  experiment.pairs = {{"weak", "strong"}};
  const testing::TemporaryFolder folder;
  experiment.task = {"image_classification", {{"path", folder.path()}}, {}};
  MethodSpec method;
  method.name = "both";
  method.strategy = {{"mixup", {}, {}}, {"linear_probe", {}, {}}, {"co_teaching", {}, {}}};
  experiment.methods = {method};
  for (const char* part : {"train", "t10k"}) {
    for (const char* kind : {"images-idx3-ubyte", "labels-idx1-ubyte"}) {
      std::ofstream(folder.path() + "/" + part + "-" + kind).put('\0');
    }
  }
  try {
    validate(experiment, plugins());
    FAIL() << "nothing was refused";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'mixup' and 'co_teaching' both decide"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace w2s
