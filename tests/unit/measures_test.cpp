// Golden values: tests/golden/tools/reference_statistics.py.
#include "results/measures.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

const Probabilities kStudent = {.9f, .1f, .4f, .6f, .5f, .5f, .2f, .8f, .3f, .7f, .3f, .7f};
const Probabilities kSupervisor = {.8f, .2f, .3f, .7f, .1f, .9f, .35f, .65f, .85f, .15f, .45f, .55f};
const Labels kLabels = {0, 0, 1, 1, 1, 1};

TEST(PredictionMeasures, AgreeWithTheReference) {
  const Measures m = prediction_measures(kStudent, kLabels, 2);
  EXPECT_NEAR(m.at("accuracy"), 4. / 6, 1e-12);
  EXPECT_NEAR(m.at("balanced_accuracy"), (1. / 2 + 3. / 4) / 2, 1e-12);
  EXPECT_NEAR(m.at("auroc"), 0.875, 1e-12);
  EXPECT_NEAR(m.at("log_loss"), 0.441881978, 1e-6);
  EXPECT_NEAR(m.at("brier"), 0.28, 1e-6);
  EXPECT_NEAR(m.at("ece"), 0.333333333, 1e-6);
}

TEST(PredictionMeasures, NameTheAurocOfSeveralClassesAsMacroOneVersusRest) {
  const Probabilities p = {.5f, .3f, .2f, .2f, .5f, .3f, .1f, .2f, .7f, .4f, .4f, .2f, .3f, .3f, .4f};
  const Measures m = prediction_measures(p, {0, 1, 2, 1, 0}, 3);
  EXPECT_NEAR(m.at("auroc_macro_ovr"), 0.944444444, 1e-9);
  EXPECT_FALSE(m.count("auroc"));
}

TEST(PredictionMeasures, LeaveOutAurocWithOneClassAndEverythingWithoutExamples) {
  EXPECT_FALSE(prediction_measures({.4f, .6f, .1f, .9f}, {1, 1}, 2).count("auroc"));
  EXPECT_TRUE(prediction_measures({}, {}, 2).empty());
}

TEST(PredictionMeasures, GiveConstantScoresAnAurocOfOneHalf) {
  EXPECT_DOUBLE_EQ(prediction_measures({.5f, .5f, .5f, .5f, .5f, .5f}, {0, 1, 1}, 2).at("auroc"), 0.5);
}

TEST(PredictionMeasures, KeepTheLogLossOfACertainMistakeFinite) {
  EXPECT_NEAR(prediction_measures({1.f, 0.f}, {1}, 2).at("log_loss"), -std::log(1e-7), 1e-9);
}

TEST(PredictionMeasures, RefuseWhatIsNoPrediction) {
  EXPECT_THROW(prediction_measures({.5f, .5f, .5f}, {0, 1}, 2), Error);
  EXPECT_THROW(prediction_measures({.5f, .5f}, {2}, 2), Error);
  EXPECT_THROW(prediction_measures({.5f, .5f}, {-1}, 2), Error);
  EXPECT_THROW(prediction_measures({NAN, .5f}, {0}, 2), Error);
  EXPECT_THROW(prediction_measures({-.5f, 1.5f}, {0}, 2), Error);
}

TEST(SupervisionMeasures, AgreeWithTheReference) {
  const Measures m = supervision_measures(kStudent, kSupervisor, kLabels, 2);
  EXPECT_NEAR(m.at("agreement"), 4. / 6, 1e-12);
  EXPECT_NEAR(m.at("agreement_supervisor_right"), 3. / 4, 1e-12);
  EXPECT_NEAR(m.at("agreement_supervisor_wrong"), 1. / 2, 1e-12);
  EXPECT_NEAR(m.at("errors_corrected"), 1. / 2, 1e-12);
  EXPECT_NEAR(m.at("right_lost"), 1. / 4, 1e-12);
  EXPECT_NEAR(m.at("chance_adjusted_agreement"), 0.25, 1e-9);
  EXPECT_NEAR(m.at("error_consistency"), 0.25, 1e-9);
  EXPECT_NEAR(m.at("capa"), 0.046242775, 1e-6);
  EXPECT_NEAR(m.at("misfit"), 0.199826202, 1e-6);
  EXPECT_NEAR(m.at("misfit_reverse"), 0.239555944, 1e-6);
  EXPECT_NEAR(m.at("misfit_squared"), 0.175833333, 1e-6);
  EXPECT_NEAR(m.at("gain_log_loss"), 0.301154151, 1e-6);
  EXPECT_NEAR(m.at("gain_brier"), 0.249166667, 1e-6);
  EXPECT_NEAR(m.at("slack_log_loss"), 0.061598207, 1e-6);
  EXPECT_NEAR(m.at("slack_brier"), 0.073333333, 1e-6);
  EXPECT_NEAR(m.at("student_entropy"), 0.568895475, 1e-6);
  EXPECT_NEAR(m.at("gain"), 0, 1e-12);
  EXPECT_NEAR(m.at("student_accuracy"), 4. / 6, 1e-12);
  EXPECT_NEAR(m.at("supervisor_accuracy"), 4. / 6, 1e-12);
}

TEST(SupervisionMeasures, GainEqualsMisfitForAProjectionOnAConvexSetThatHoldsTheTruth) {
  // Constant predictions; the truth is even in each of the supervisor's rows, its projection is their mean.
  const Probabilities supervisor = {.8f, .2f, .8f, .2f, .4f, .6f, .4f, .6f};
  const Probabilities student = {.6f, .4f, .6f, .4f, .6f, .4f, .6f, .4f};
  const Measures m = supervision_measures(student, supervisor, {0, 1, 0, 1}, 2);
  EXPECT_NEAR(m.at("misfit_squared"), 0.08, 1e-6);
  EXPECT_NEAR(m.at("gain_brier"), 0.08, 1e-6);
  EXPECT_NEAR(m.at("slack_brier"), 0, 1e-6);
}

TEST(SupervisionMeasures, LeaveOutWhatAFaultlessSupervisorDoesNotDefine) {
  const Measures m = supervision_measures({.9f, .1f, .2f, .8f}, {.9f, .1f, .2f, .8f}, {0, 1}, 2);
  EXPECT_FALSE(m.count("agreement_supervisor_wrong"));
  EXPECT_FALSE(m.count("errors_corrected"));
  EXPECT_FALSE(m.count("error_consistency"));
  EXPECT_DOUBLE_EQ(m.at("chance_adjusted_agreement"), 1);
  EXPECT_NEAR(m.at("misfit"), 0, 1e-12);
}

TEST(SupervisionMeasures, LeaveOutKappaWhereBothPredictOneClass) {
  const Measures m = supervision_measures({.9f, .1f, .8f, .2f}, {.7f, .3f, .6f, .4f}, {0, 1}, 2);
  EXPECT_FALSE(m.count("chance_adjusted_agreement"));
  EXPECT_DOUBLE_EQ(m.at("agreement"), 1);
}

TEST(Correctness, TakesTheFirstOfTiedClasses) {
  EXPECT_EQ(correctness(kStudent, kLabels, 2), (std::vector<std::uint8_t>{1, 0, 0, 1, 1, 1}));
}

TEST(HigherIsBetter, KnowsTheLosses) {
  EXPECT_TRUE(higher_is_better("accuracy"));
  EXPECT_TRUE(higher_is_better("auroc_macro_ovr"));
  EXPECT_FALSE(higher_is_better("log_loss"));
  EXPECT_FALSE(higher_is_better("brier"));
  EXPECT_FALSE(higher_is_better("ece"));
}

}  // namespace
}  // namespace w2s
