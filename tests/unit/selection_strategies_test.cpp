// What the strategies that choose or replace labels, and those that choose what trains, claim: on small
// problems whose answer is known.
#include <gtest/gtest.h>

#include <cmath>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::blobs;
using testing::TinyWorld;

double share(const Tensor& which) { return which.to(at::kDouble).mean().item<double>(); }

double right(const Supervision& labels) {
  return share(labels.targets.argmax(1).eq(labels.examples.labels()));
}

// A supervisor that sees two of six coordinates: calibrated, and unsure where classes overlap.
TinyWorld blinkered_world() {
  testing::Rows rows = blobs(4000, 3, 6, 1.2, 5);
  rows.inputs = rows.inputs.unsqueeze(1);
  TinyWorld::Options options;
  options.weak = {{"hidden", List{}}, {"columns", List{0, 1}}};
  return TinyWorld(rows, 3, options);
}

TEST(ConfidenceFilter, KeepsLabelsThatAreRighter) {
  TinyWorld tiny = blinkered_world();
  const Supervision labels = tiny.weak_labels();
  const Supervision half = tiny.handed_on("confidence_filter", {{"keep", 0.5}}, labels).back();
  const Supervision fifth = tiny.handed_on("confidence_filter", {{"keep", 0.2}}, labels).back();
  EXPECT_GT(right(half), right(labels) + 0.05);
  EXPECT_GT(right(fifth), right(half) + 0.03);
}

TEST(ConfidenceWeight, WeighsRightLabelsMore) {
  TinyWorld tiny = blinkered_world();
  const Supervision labels = tiny.weak_labels();
  const Supervision weighted = tiny.handed_on("confidence_weight", {{"power", 2}}, labels).back();
  const Tensor correct = labels.targets.argmax(1).eq(labels.examples.labels());
  EXPECT_GT(weighted.weights.masked_select(correct).mean().item<double>(),
            weighted.weights.masked_select(correct.logical_not()).mean().item<double>() * 1.1);
}

TEST(RandomFilter, KeepsTheShareAskedForWhateverTheLabelsSay) {
  TinyWorld tiny = blinkered_world();
  const Supervision labels = tiny.weak_labels();
  const Supervision kept = tiny.handed_on("random_filter", {{"keep", 0.3}}, labels).back();
  EXPECT_EQ(kept.size(), 300);
  EXPECT_NEAR(right(kept), right(labels), 0.06);
  EXPECT_EQ(tiny.handed_on("random_filter", {{"keep", 0.3}}, labels).back().examples.rows(),
            kept.examples.rows());
}

TEST(Relabel, MakesTheUnsureLabelsRighter) {
  // Half of the labels are sure and 5 % of them wrong, the others unsure and 40 % of them wrong.
  TinyWorld tiny(blobs(4000, 3, 6, 1.5, 5), 3);
  std::vector<bool> few, many;
  const Tensor better = testing::with_flips(tiny.transfer(), 3, 0.05, few).targets * 0.85 + 0.05;
  const Tensor worse = testing::with_flips(tiny.transfer(), 3, 0.4, many).targets * 0.4 + 0.2;
  const Tensor sure = at::arange(tiny.transfer().size(), at::kLong).div(3, "floor").remainder(2).eq(0);
  const Supervision labels = Supervision::soft(tiny.transfer(), at::where(sure.unsqueeze(1), better, worse));
  const Supervision relabelled = tiny.handed_on("relabel", {{"keep", 0.5}}, labels).back();
  EXPECT_LT(right(labels), 0.8);
  EXPECT_GT(right(relabelled), 0.9);
  EXPECT_NEAR(static_cast<double>(relabelled.size()), 750, 3) << "half, and half of the relabelled half";
  const Supervision all = tiny.handed_on("relabel", {{"second_keep", 1}}, labels).back();
  EXPECT_EQ(all.size(), labels.size());
  const auto wrong = [](const Supervision& some) {
    return (1 - right(some)) * static_cast<double>(some.size());
  };
  EXPECT_LT(wrong(relabelled), wrong(all))
      << "the second filter leaves out some that were relabelled wrongly";
}

TEST(SelfTrain, ReplacesLabelsByRighterOnesWhereErrorsAreSpread) {
  // A quarter of the labels is wrong at random: the student outvotes them (Wei et al. 2021).
  TinyWorld tiny(blobs(4000, 3, 6, 1.2, 5), 3);
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 3, 0.25, flipped);
  const auto given = tiny.handed_on("self_train", {{"rounds", 2}}, labels);
  ASSERT_EQ(given.size(), 3u);
  EXPECT_GT(right(given[1]), right(labels) + 0.1);
  EXPECT_GT(right(given[2]), right(labels) + 0.1);
}

TEST(LinearProbe, LeavesTheFeaturesAsTheyWere) {
  TinyWorld tiny = blinkered_world();
  const Student probe = tiny.run("linear_probe", {}, tiny.weak_labels());
  const Student tuned = tiny.lab().fit(tiny.weak_labels(), tiny.spec());
  const Tensor before = tiny.lab().features("strong", tiny.test());
  EXPECT_TRUE(tiny.lab().features(probe, tiny.test()).allclose(before, 1e-5, 1e-5));
  EXPECT_FALSE(tiny.lab().features(tuned, tiny.test()).allclose(before, 1e-2, 1e-2));
}

TEST(LpFt, DistortsTheFeaturesLessThanFineTuning) {
  // Kumar et al. 2022: a head that fits already leaves little for the features to do.
  TinyWorld tiny = blinkered_world();
  const Supervision labels = tiny.weak_labels();
  FitSpec spec = tiny.spec();
  spec.train.lr = 1e-3;
  const Student tuned = tiny.lab().fit(labels, spec);
  const Student probed = tiny.run({Spec{"lp_ft", {{"epochs", 60}, {"lr", 1e-2}}, {}}}, labels, spec);
  const Tensor before = tiny.lab().features("strong", tiny.test());
  const auto moved = [&](const Student& student) {
    return (tiny.lab().features(student, tiny.test()) - before).norm().item<double>();
  };
  EXPECT_GT(moved(probed), 0);
  EXPECT_LT(moved(probed), 0.8 * moved(tuned));
}

// What a strategy hands on for a model of this size in a store where `earlier` was computed for another.
Supervision handed_on_after(const std::string& strategy, const Table& params, std::int64_t hidden,
                            TinyWorld* earlier) {
  TinyWorld::Options options;
  options.strong = {{"hidden", List{hidden}}};
  TinyWorld tiny(blobs(800, 3, 6, 1.2, 5), 3, options, earlier == nullptr ? "" : earlier->store());
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(tiny.transfer(), 3, 0.3, flipped);
  return tiny.handed_on(strategy, params, labels).back();
}

class FeaturesUnderAnOldName : public ::testing::TestWithParam<std::pair<std::string, Table>> {};

TEST_P(FeaturesUnderAnOldName, AreThoseOfTheModelAsItIsNow) {
  const auto& [strategy, params] = GetParam();
  TinyWorld::Options options;
  options.strong = {{"hidden", List{2}}};
  TinyWorld small(blobs(800, 3, 6, 1.2, 5), 3, options);
  std::vector<bool> flipped;
  const Supervision labels = testing::with_flips(small.transfer(), 3, 0.3, flipped);
  const Supervision of_small = small.handed_on(strategy, params, labels).back();

  const Supervision edited = handed_on_after(strategy, params, 48, &small);
  const Supervision fresh = handed_on_after(strategy, params, 48, nullptr);
  EXPECT_EQ(edited.digest(), fresh.digest());
  EXPECT_NE(edited.digest(), of_small.digest()) << "the models are told apart by what they see";
}

INSTANTIATE_TEST_SUITE_P(
    Strategies, FeaturesUnderAnOldName,
    ::testing::Values(std::pair{std::string("knn_filter"), Table{{"k", 10}, {"contamination", 0.3}}},
                      std::pair{std::string("topo_filter"), Table{{"k", 10}}},
                      std::pair{std::string("co_supervised"), Table{{"specialists", 2}}}),
    [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace w2s
