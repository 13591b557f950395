// The synthetic tasks against what theory says of them: docs/synthetic.md.
#include <gtest/gtest.h>

#include <cmath>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::plugins;
using testing::TinyWorld;

TaskData load(const std::string& name, Table params) {
  return plugins().make_task({name, std::move(params), {}})->load();
}

// A quarter of the rows for the supervisor, a quarter to transfer, half to test.
testing::Rows rows_of(const TaskData& data) {
  const Tensor order = at::tensor(Stream(1, "order").permutation(data.train.size()), at::kLong);
  return {at::cat({data.train.dense().index_select(0, order), data.test.dense()}),
          at::cat({data.train.labels().index_select(0, order), data.test.labels()})};
}

double phi(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * M_PI); }
double normal_cdf(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

double share(const Tensor& which) { return which.to(at::kDouble).mean().item<double>(); }

double weak_accuracy(TinyWorld& tiny) { return tiny.accuracy(tiny.lab().supervisor()); }

double agreement(TinyWorld& tiny, const Student& student) {
  return share(tiny.lab()
                   .predict(student, tiny.test())
                   .argmax(1)
                   .eq(tiny.lab().predict(tiny.lab().supervisor(), tiny.test()).argmax(1)));
}

TinyWorld::Options linear_on(const std::string& what, const List& seen) {
  TinyWorld::Options options;
  options.weak = {{"hidden", List{}}, {what, seen}};
  options.strong = {{"hidden", List{}}};
  options.train = {{"lr", 1e-2}, {"epochs", 30}, {"batch", 64}, {"trainable", "head"}};
  return options;
}

// The whole transfer half in one step of plain gradient descent.
FitSpec one_step(TinyWorld& tiny) {
  FitSpec spec = tiny.spec();
  spec.train.optimizer = OptimizerKind::sgd;
  spec.train.lr = 0.1;
  spec.train.batch = 1 << 20;
  spec.train.epochs = 1;
  spec.train.labels = LabelKind::hard;
  spec.train.schedule = ScheduleKind::constant;
  return spec;
}

constexpr std::int64_t kSeen = 4, kFeatures = 32;

TinyWorld nested(const std::string& kind) {
  const TaskData data =
      load("nested_features",
           {{"kind", kind}, {"features", kFeatures}, {"strength", 0.3}, {"train", 8000}, {"test", 8000}});
  return TinyWorld(rows_of(data), 2, linear_on("columns", {0, 1, 2, 3}));
}

TEST(NestedFeatures, ViewsAFirstStepCorrectsTheSupervisorAndLongTrainingCopiesIt) {
  TinyWorld tiny = nested("views");
  const double a = 0.3, k = kSeen, d = kFeatures;
  EXPECT_NEAR(weak_accuracy(tiny), normal_cdf(a * std::sqrt(k)), 0.015);
  const Student ceiling = tiny.lab().fit(Supervision::truth(tiny.transfer(), 2), tiny.spec());
  EXPECT_NEAR(tiny.accuracy(ceiling), normal_cdf(a * std::sqrt(d)), 0.015);

  // Correlations of a hard weak label with a feature that it is made of, and with another.
  const double others = a * (2 * normal_cdf(a * std::sqrt(k)) - 1);
  const double own = others + 2 * phi(a * std::sqrt(k)) / std::sqrt(k);
  const double expected =
      normal_cdf(a * (k * own + (d - k) * others) / std::sqrt(k * own * own + (d - k) * others * others));
  const Supervision labels = tiny.weak_labels();
  const double first = tiny.accuracy(tiny.lab().fit(labels, one_step(tiny)));
  EXPECT_NEAR(first, expected, 0.015);
  EXPECT_GT(first, weak_accuracy(tiny) + 0.15);

  FitSpec spec = tiny.spec();
  spec.train.epochs = 60;
  const Student student = tiny.lab().fit(labels, spec);
  EXPECT_GT(agreement(tiny, student), 0.97);
  EXPECT_NEAR(tiny.accuracy(student), weak_accuracy(tiny), 0.015);
}

TEST(NestedFeatures, PartsNothingBeyondTheSupervisorCanBeLearnt) {
  TinyWorld tiny = nested("parts");
  const double floor = 1 - std::acos(std::sqrt(static_cast<double>(kSeen) / kFeatures)) / M_PI;
  EXPECT_NEAR(weak_accuracy(tiny), floor, 0.015);
  const Student ceiling = tiny.lab().fit(Supervision::truth(tiny.transfer(), 2), tiny.spec());
  EXPECT_GT(tiny.accuracy(ceiling), 0.97);
  const Supervision labels = tiny.weak_labels();
  EXPECT_LT(tiny.accuracy(tiny.lab().fit(labels, one_step(tiny))), floor + 0.015);
  EXPECT_LT(tiny.accuracy(tiny.lab().fit(labels, tiny.spec())), floor + 0.015);
}

TEST(NestedFeatures, FollowItsSeedAndItsKind) {
  const TaskData a = load("nested_features", {}), again = load("nested_features", {}),
                 b = load("nested_features", {{"seed", 1}}),
                 parts = load("nested_features", {{"kind", "parts"}});
  EXPECT_EQ(a.train.digest(), again.train.digest());
  EXPECT_NE(a.train.digest(), b.train.digest());
  EXPECT_TRUE(parts.train.dense().sum({1, 2}).gt(0).to(at::kLong).equal(parts.train.labels()));
  EXPECT_NEAR(share(parts.train.labels()), 0.5, 1e-9);
}

// Floor and student on a mixture whose bad clusters are a fifth of all.
struct Corrected {
  double floor, student;
};
Corrected corrected(double spread) {
  TinyWorld::Options options;
  options.weak = {{"hidden", List{}}, {"rows", List{0}}};
  options.strong = {{"hidden", List{64}}, {"rows", List{1}}};
  options.train = {{"lr", 3e-3}, {"epochs", 15}, {"batch", 64}, {"head_bias", true}};
  const TaskData data =
      load("gaussian_mixture", {{"error", 0.2}, {"spread", spread}, {"train", 4000}, {"test", 4000}});
  TinyWorld tiny(rows_of(data), 2, options);
  return {weak_accuracy(tiny), tiny.accuracy(tiny.lab().fit(tiny.weak_labels(), tiny.spec()))};
}

TEST(GaussianMixture, ErrorsThatAreSpreadAreCorrectedAndThoseOfWholeClustersAreNot) {
  const Corrected even = corrected(1);
  EXPECT_NEAR(even.floor, 0.8, 0.02);
  EXPECT_GT(even.student, 0.98);
  const Corrected clustered = corrected(0);
  EXPECT_NEAR(clustered.floor, 0.8, 1e-3);
  EXPECT_NEAR(clustered.student, 0.8, 0.01);
}

TEST(GaussianMixture, AClusterTurnsWhereHalfOfItsLabelsAreWrong) {
  // A bad cluster is wrong in 0.2 s + 1 − s of its rows: less than half from s = 0.625 on.
  EXPECT_GT(corrected(0.8).student, 0.95);
  EXPECT_LT(corrected(0.4).student, 0.85);
}

TEST(GaussianMixture, RefusesMoreClassesThanARowCanShow) {
  EXPECT_THROW(load("gaussian_mixture", {{"classes", 5}, {"width", 4}}), UsageError);
}

TEST(SpuriousCorrelation, HasItsGroupsInTheSharesAskedFor) {
  const TaskData data = load("spurious_correlation", {{"agreement", 0.9}});
  const auto agree = [](const Examples& examples) {
    const Tensor x = examples.dense();
    return share(x.select(1, 1).squeeze(1).gt(0).to(at::kLong).eq(examples.labels()));
  };
  EXPECT_NEAR(agree(data.train), 0.9, 0.001);
  EXPECT_NEAR(agree(data.test), 0.9, 0.001);
  EXPECT_GT(agree(data.shifted.at("majority")), 0.999);
  EXPECT_LT(agree(data.shifted.at("minority")), 0.001);
  EXPECT_NEAR(agree(data.shifted.at("balanced")), 0.5, 0.001);
  const Tensor core = data.test.dense().select(1, 0).squeeze(1).gt(0).to(at::kLong);
  EXPECT_NEAR(share(core.eq(data.test.labels())), normal_cdf(2), 0.01);
}

TEST(SpuriousCorrelation, TheStudentInheritsTheWorstGroupAndABalancedHeadDoesNot) {
  const TaskData data = load("spurious_correlation", {{"agreement", 0.9}});
  TinyWorld::Options options = linear_on("rows", {1});
  options.train.set("head_bias", true);
  TinyWorld tiny(rows_of(data), 2, options);
  const Examples &minority = data.shifted.at("minority"), &majority = data.shifted.at("majority");
  const Supervision labels = tiny.weak_labels();
  const Student& weak = tiny.lab().supervisor();
  EXPECT_NEAR(tiny.accuracy(weak), 0.9, 0.005);
  EXPECT_LT(tiny.accuracy(weak, minority), 0.01);
  EXPECT_GT(tiny.accuracy(weak, majority), 0.99);
  const Student naive = tiny.lab().fit(labels, tiny.spec());
  EXPECT_LT(tiny.accuracy(naive, minority), 0.05);
  const Student retrained = tiny.run("last_layer_retrain", {}, labels);
  EXPECT_GT(tiny.accuracy(retrained, minority), 0.9);
  EXPECT_GT(tiny.accuracy(retrained, majority), 0.9);
}

}  // namespace
}  // namespace w2s
