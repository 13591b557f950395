// Strategies that ask more of the supervisor half, or of several students, on small problems whose answer is
// known.
#include <gtest/gtest.h>

#include <set>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::blobs;
using testing::TinyWorld;

// Inputs [N, 1, 2]: a faint true feature and a loud spurious one that agrees with the class in `agreement` of
// the rows; the weak model sees only the spurious one.
testing::Rows spurious(std::int64_t count, double agreement) {
  Stream stream(9, "spurious");
  const Tensor labels = at::arange(count, at::kLong).remainder(2);
  Tensor inputs = at::empty({count, 1, 2});
  for (std::int64_t i = 0; i < count; ++i) {
    const double y = labels[i].item<std::int64_t>() == 1 ? 1 : -1, s = stream.uniform() < agreement ? y : -y;
    inputs[i][0][0] = 0.5 * y + 0.25 * stream.normal();
    inputs[i][0][1] = 2 * s + 0.25 * stream.normal();
  }
  return {inputs, labels};
}

TinyWorld::Options blinkered() {
  TinyWorld::Options options;
  options.weak = {{"hidden", List{}}, {"columns", List{1}}};
  options.strong = {{"hidden", List{}}};
  options.train = {{"lr", 5e-2}, {"epochs", 30}, {"batch", 32}, {"head_bias", true}, {"trainable", "head"}};
  return options;
}

TEST(LastLayerRetrain, UnlearnsASpuriousFeature) {
  TinyWorld tiny(spurious(3200, 0.9), 2, blinkered());
  const Supervision labels = tiny.weak_labels();
  const double naive = tiny.accuracy(tiny.lab().fit(labels, tiny.spec()));
  const double retrained = tiny.accuracy(tiny.run("last_layer_retrain", {}, labels));
  EXPECT_NEAR(naive, 0.9, 0.02) << "the student repeats the supervisor";
  EXPECT_GT(retrained, 0.95);
}

TEST(DivDis, HeadsDifferWhereTheLabelsLeaveItOpen) {
  // The two features agree on the surest examples and part on the others.
  Stream stream(3, "ambiguous");
  const std::int64_t n = 1600;
  const Tensor classes = at::arange(n, at::kLong).remainder(2);
  Tensor inputs = at::empty({n, 1, 2}), sure = at::zeros({n}, at::kBool);
  for (std::int64_t i = 0; i < n; ++i) {
    const double y = classes[i].item<std::int64_t>() == 1 ? 1 : -1;
    sure[i] = i / 2 % 2 == 0;
    const double other = sure[i].item<bool>() || stream.uniform() < 0.5 ? y : -y;
    inputs[i][0][0] = y + 0.1 * stream.normal();
    inputs[i][0][1] = other + 0.1 * stream.normal();
  }
  TinyWorld tiny({inputs, classes}, 2, blinkered());
  const Tensor strength =
      at::where(sure.slice(0, n / 4, n / 2), at::full({n / 4}, 0.95f), at::full({n / 4}, 0.6f));
  const Tensor right = at::one_hot(tiny.transfer().labels(), 2).to(at::kFloat);
  const Tensor s = strength.unsqueeze(1);
  const Supervision labels = Supervision::soft(tiny.transfer(), s * right + (1 - s) * (1 - right));

  Student both;
  FitSpec spec = tiny.spec();
  const auto divdis = testing::plugins().make_strategy({"divdis", {{"heads", 2}}, {}});
  const Student chosen =
      divdis->supervise(labels, spec, tiny.lab(),
                        [&](const Supervision& l, const FitSpec& f) { return both = tiny.lab().fit(l, f); });
  ASSERT_EQ(both.members().size(), 2u);
  const Tensor x = tiny.test().dense();
  const Tensor conflict = x.select(2, 0).select(1, 0).sign().ne(x.select(2, 1).select(1, 0).sign());
  const Tensor differ = tiny.lab()
                            .predict(Student(both.members()[0]), tiny.test())
                            .argmax(1)
                            .ne(tiny.lab().predict(Student(both.members()[1]), tiny.test()).argmax(1));
  const auto share = [](const Tensor& which) { return which.to(at::kDouble).mean().item<double>(); };
  EXPECT_GT(share(differ.masked_select(conflict)), 0.9);
  EXPECT_LT(share(differ.masked_select(conflict.logical_not())), 0.1);
  EXPECT_EQ(chosen.members().size(), 1u);
  EXPECT_GT(tiny.accuracy(chosen), 0.95) << "a few true labels tell the true feature from the other";
}

// A supervisor that knows its own half by heart is wrong nowhere on it.
TEST(LastLayerRetrain, FindsTheErrorsOfASupervisorThatMemorised) {
  testing::Rows rows = spurious(1600, 0.9);
  Stream stream(2, "noise");
  rows.inputs = at::cat({rows.inputs, testing::normals({1600, 1, 60}, stream)}, 2);
  TinyWorld::Options options = blinkered();
  List columns;
  for (int i = 1; i < 62; ++i) columns.push_back(i);
  options.weak = {{"hidden", List{64}}, {"columns", columns}};
  options.train.set("trainable", "all");
  options.train.set("epochs", 60);
  options.train.set("lr", 1e-2);
  TinyWorld tiny(rows, 2, options);
  ASSERT_EQ(tiny.accuracy(tiny.lab().supervisor(), tiny.supervisor_half()), 1);
  FitSpec probe = tiny.spec();
  probe.train.trainable = Trainable::head();
  tiny.run({Spec{"last_layer_retrain", {}, {}}}, tiny.weak_labels(), probe);
  EXPECT_NE(tiny.log().find("4 groups of "), std::string::npos) << tiny.log();
}

TEST(DivDis, DoesNotStopByAgreementWithTheWeakLabels) {
  TinyWorld tiny(spurious(800, 0.9), 2, blinkered());
  FitSpec spec = tiny.spec();
  spec.train.early_stopping = true;
  spec.validation = tiny.weak_labels();
  FitSpec handed;
  testing::plugins()
      .make_strategy({"divdis", {}, {}})
      ->supervise(tiny.weak_labels(), spec, tiny.lab(), [&](const Supervision& l, const FitSpec& f) {
        handed = f;
        return tiny.lab().fit(l, f);
      });
  EXPECT_FALSE(handed.train.early_stopping);
}

TEST(Ensemble, VotesWithAsManySupervisorsAsAsked) {
  TinyWorld tiny(blobs(400, 3, 4, 0.7, 6), 3);
  const Supervision labels = tiny.weak_labels();
  const std::int64_t before = tiny.lab().computed();
  const auto given = tiny.handed_on("ensemble", {{"size", 4}, {"combine", "vote"}}, labels);
  EXPECT_EQ(tiny.lab().computed() - before, 5) << "four supervisors and the student";
  const Tensor votes = given.back().targets * 4;
  EXPECT_TRUE(at::allclose(votes, votes.round(), 0, 1e-5));
  EXPECT_GT(votes.remainder(4).sum().item<double>(), 0) << "supervisors of other samples differ somewhere";
}

TEST(Ensemble, BoostingMakesAStrongerSupervisorOfStumps) {
  // A linear supervisor cannot tell the quadrants of an exclusive or apart; with a skew, boosting gains.
  Stream stream(4, "xor");
  const std::int64_t n = 2000;
  const Tensor x = testing::normals({n, 2}, stream);
  const Tensor y = x.select(1, 0).pow(2).add(x.select(1, 1).pow(2)).gt(1.4).to(at::kLong);
  TinyWorld::Options options;
  options.weak = {{"hidden", List{3}}};
  options.train.set("epochs", 6);
  TinyWorld tiny({x, y}, 2, options);
  const Supervision labels = tiny.weak_labels();
  const auto right = [](const Supervision& s) {
    return s.targets.argmax(1).eq(s.examples.labels()).to(at::kDouble).mean().item<double>();
  };
  const Supervision boosted = tiny.handed_on("ensemble", {{"how", "boosting"}, {"size", 8}}, labels).back();
  EXPECT_GT(right(boosted), right(labels) + 0.02);
}

// In sample a network that memorises errs nowhere, so that every one after the first was the first again.
TEST(Ensemble, BoostsSupervisorsThatMemorise) {
  TinyWorld::Options options;
  options.weak = {{"hidden", List{64}}};
  options.train = {{"lr", 2e-2}, {"epochs", 60}, {"batch", 8}, {"head_bias", true}, {"shuffle", false}};
  TinyWorld tiny(blobs(480, 2, 20, 0.4, 8), 2, options);
  ASSERT_EQ(tiny.accuracy(tiny.lab().supervisor(), tiny.supervisor_half()), 1);
  const Supervision boosted =
      tiny.handed_on("ensemble", {{"how", "boosting"}, {"size", 3}}, tiny.weak_labels()).back();
  const Supervision votes =
      tiny.handed_on("ensemble", {{"how", "boosting"}, {"size", 3}, {"combine", "vote"}}, tiny.weak_labels())
          .back();
  EXPECT_LT(votes.targets.amax(1).min().item<double>(), 1) << "its members differ somewhere";
  EXPECT_EQ(boosted.size(), tiny.transfer().size());
}

TEST(Ensemble, BaggingMakesARighterSupervisor) {
  // A network of 32 on 120 examples of ten numbers: each sample of them gives another boundary.
  TinyWorld::Options options;
  options.weak = {{"hidden", List{32}}};
  options.train = {{"lr", 2e-2}, {"epochs", 40}, {"batch", 8}, {"head_bias", true}};
  TinyWorld tiny(blobs(480, 2, 10, 0.4, 8), 2, options);
  const Supervision labels = tiny.weak_labels();
  const auto right = [](const Supervision& s) {
    return s.targets.argmax(1).eq(s.examples.labels()).to(at::kDouble).mean().item<double>();
  };
  const Supervision bagged = tiny.handed_on("ensemble", {{"size", 15}}, labels).back();
  EXPECT_GT(right(bagged), right(labels));
}

TEST(CoSupervised, GainsWhereSpecialistsKnowWhatOneSupervisorCannot) {
  // Which of four features decides depends on the region: too much for a supervisor of two hidden units.
  Stream stream(12, "regions");
  const std::int64_t n = 6000;
  const Tensor x = testing::normals({n, 6}, stream), region = at::arange(n, at::kLong).remainder(4);
  x.select(1, 0).mul_(0.5).add_(8 * region.remainder(2).to(at::kFloat) - 4);
  x.select(1, 1).mul_(0.5).add_(8 * region.ge(2).to(at::kFloat) - 4);
  const Tensor y = x.slice(1, 2).gather(1, region.unsqueeze(1)).squeeze(1).gt(0).to(at::kLong);
  TinyWorld::Options options;
  options.weak = {{"hidden", List{2}}};
  options.train.set("epochs", 30);
  TinyWorld tiny({x, y}, 2, options);
  const Supervision labels = tiny.weak_labels();
  const double naive = tiny.accuracy(tiny.lab().fit(labels, tiny.spec()));
  const double taught = tiny.accuracy(tiny.run("co_supervised", {{"specialists", 4}}, labels));
  EXPECT_GT(taught, naive + 0.08);
}

TEST(CoSupervised, TeachesEachExampleByASpecialistThatTheStudentAgreesWith) {
  TinyWorld tiny(blobs(800, 3, 4, 0.8, 6), 3);
  const Supervision labels = tiny.weak_labels();
  std::vector<Student> students;
  std::vector<Supervision> given;
  testing::plugins()
      .make_strategy({"co_supervised", {{"specialists", 2}}, {}})
      ->supervise(labels, tiny.spec(), tiny.lab(), [&](const Supervision& l, const FitSpec& f) {
        given.push_back(l);
        students.push_back(tiny.lab().fit(l, f));
        return students.back();
      });
  ASSERT_EQ(given.size(), 2u);
  EXPECT_EQ(given[0].size(), labels.size());
  EXPECT_FALSE(given[0].targets.equal(labels.targets));
  EXPECT_LT(given[1].size(), labels.size()) << "disputed examples are left out";
  EXPECT_GT(given[1].size(), labels.size() / 2);
  const Tensor own = tiny.lab().predict(students[0], given[1].examples).argmax(1);
  EXPECT_TRUE(own.equal(given[1].targets.argmax(1)));
  EXPECT_GT(tiny.accuracy(students[1]), tiny.accuracy(tiny.lab().supervisor()) - 0.02);
}

TEST(Bootstrap, SharesItsStepsWithTheNaiveFitsOfThoseModels) {
  TinyWorld tiny(blobs(400, 3, 4, 1, 6), 3);
  const Supervision labels = tiny.weak_labels();
  tiny.lab().fit(labels, tiny.lab().student_spec("medium"));
  const std::int64_t before = tiny.lab().computed();
  tiny.run("bootstrap", {{"ladder", List{"medium"}}}, labels);
  EXPECT_EQ(tiny.lab().computed() - before, 1) << "the medium step was the naive fit of 'medium'";
  tiny.run({Spec{"self_train", {}, {}}}, labels, tiny.spec());
  EXPECT_EQ(tiny.lab().computed() - before, 3) << "the naive student and its successor";
  tiny.lab().fit(labels, tiny.spec());
  EXPECT_EQ(tiny.lab().computed() - before, 3) << "the first student of self_train was the naive one";
}

TEST(Lab, AFitsOwnSeedChangesTheWeightsThatItStartsFrom) {
  TinyWorld tiny(blobs(200, 2, 4, 1, 6), 2);
  FitSpec spec = tiny.spec();
  spec.train.shuffle = false;
  const Supervision labels = tiny.weak_labels();
  const Tensor one = tiny.lab().predict(tiny.lab().fit(labels, spec), tiny.test());
  spec.seed = 77;
  EXPECT_FALSE(one.equal(tiny.lab().predict(tiny.lab().fit(labels, spec), tiny.test())));
}

}  // namespace
}  // namespace w2s
