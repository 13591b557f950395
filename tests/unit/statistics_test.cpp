// Golden values: tests/golden/tools/reference_statistics.py (variances from an analysis of variance there).
#include "report/statistics.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

using Columns = std::vector<std::vector<std::vector<double>>>;

/// The table of the reference script: floor, ceiling and student, 3 seeds, 40 examples.
Columns reference_columns() {
  const int thresholds[] = {52, 83, 70};
  Columns x(3, std::vector<std::vector<double>>(3, std::vector<double>(40)));
  for (int k = 0; k < 3; ++k)
    for (int s = 0; s < 3; ++s)
      for (int i = 0; i < 40; ++i) {
        const int place = (i * 37 + i * i * 7 + s * 29 + k * 11 + (i * s * (k + 1) * 13) % 31) % 100;
        x[k][s][i] = place < thresholds[k] + 3 * s;
      }
  return x;
}

/// Right or wrong from a latent normal: ability + seed + example + noise > 0. Population means are known.
class Simulation {
 public:
  Simulation(std::vector<double> means, std::size_t seeds, std::size_t examples, double seed_noise,
             std::uint64_t seed)
      : seeds_(seeds), examples_(examples), seed_noise_(seed_noise), engine_(seed) {
    for (const double mean : means)
      abilities_.push_back(quantile(mean) * std::sqrt(2 + seed_noise * seed_noise));
  }

  Columns draw() {
    Columns x(abilities_.size(), std::vector<std::vector<double>>(seeds_, std::vector<double>(examples_)));
    std::vector<double> easiness(examples_), shared(seeds_);
    for (double& value : easiness) value = normal_(engine_);
    for (double& value : shared) value = seed_noise_ * std::sqrt(0.3) * normal_(engine_);
    for (std::size_t k = 0; k < x.size(); ++k)
      for (std::size_t s = 0; s < seeds_; ++s) {
        const double ability = abilities_[k] + shared[s] + seed_noise_ * std::sqrt(0.7) * normal_(engine_);
        for (std::size_t i = 0; i < examples_; ++i) x[k][s][i] = ability + easiness[i] + normal_(engine_) > 0;
      }
    return x;
  }

 private:
  static double quantile(double p) {
    double lo = -8, hi = 8;
    for (int step = 0; step < 60; ++step)
      (std::erfc(-(lo + hi) / 2 / std::sqrt(2.0)) / 2 < p ? lo : hi) = (lo + hi) / 2;
    return lo;
  }

  std::vector<double> abilities_;
  std::size_t seeds_, examples_;
  double seed_noise_;
  std::mt19937_64 engine_;
  std::normal_distribution<double> normal_;
};

bool holds(const Estimate& e, double truth) { return e.lo <= truth && truth <= e.hi; }

void expect_estimate(const Estimate& e, double value, double se, double df, double lo, double hi) {
  EXPECT_NEAR(e.value, value, 1e-8);
  EXPECT_NEAR(e.se, se, 1e-8);
  EXPECT_NEAR(e.df, df, 1e-4 * df);
  EXPECT_NEAR(e.lo, lo, 1e-5);
  EXPECT_NEAR(e.hi, hi, 1e-5);
}

TEST(PairedScores, AgreeWithTheReference) {
  const PairedScores scores(reference_columns());
  expect_estimate(scores.linear({{0, 1.}}), 0.541666667, 0.044755076, 39.00000, 0.449797, 0.630848);
  expect_estimate(scores.linear({{1, 1.}}), 0.891666667, 0.029283727, 39.00000, 0.819800, 0.938264);
  expect_estimate(scores.linear({{2, 1.}}), 0.741666667, 0.088191710, 2.06098, 0.364972, 1.102770);
  expect_estimate(scores.linear({{1, 1.}, {0, -1.}}), 0.35, 0.043789969, 3.09366, 0.207260, 0.481265);
}

TEST(PairedScores, AShareHasTheIntervalOfAsManyIndependentAnswers) {
  const PairedScores scores(reference_columns());
  EXPECT_NEAR(scores.column(0).lo, 0.449712, 1e-5);
  EXPECT_NEAR(scores.column(0).hi, 0.630868, 1e-5);
  EXPECT_NEAR(scores.column(1).lo, 0.820770, 1e-5);
  EXPECT_NEAR(scores.column(1).hi, 0.936683, 1e-5);
  EXPECT_LE(scores.column(2).hi, 1);
}

TEST(PairedScores, WithOneSeedCoverExamplesOnlyAndSaySo) {
  Columns x = {{{1, 1, 1, 0}}};
  const Estimate e = PairedScores(x).column(0);
  EXPECT_FALSE(e.covers_seeds());
  EXPECT_NEAR(e.se, std::sqrt(0.625 * 0.375 / 8), 1e-12);  // two right and two wrong answers added
}

TEST(PairedScores, AreNeverCertainOfFewExamples) {
  const Columns x = {{{0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}},
                     {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}},
                     {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}}};
  const PairedScores scores(x);
  EXPECT_GT(scores.column(1).se, 0.1);
  EXPECT_LT(scores.column(1).lo, 0.5);
  const Pgr result = pgr(scores, 0, 1, 2);
  ASSERT_TRUE(result.estimate);
  EXPECT_DOUBLE_EQ(result.estimate->value, 1);
  EXPECT_GT(result.estimate->se, 0.2);
  EXPECT_TRUE(std::isnan(result.estimate->lo));
  EXPECT_EQ(result.no_interval, "has no interval: that of ceiling − floor = 0.750, [-0.339, 1.339], holds 0");
}

TEST(PairedScores, WithOneNumberASeedUseStudentsT) {
  const Estimate e = PairedScores({{{2.0}, {4.0}, {9.0}}}, true).column(0);
  EXPECT_NEAR(e.value, 5, 1e-12);
  EXPECT_NEAR(e.se, std::sqrt(13.0 / 3), 1e-12);
  EXPECT_NEAR(e.hi - e.value, 4.302652730 * e.se, 1e-6);
  EXPECT_EQ(e.examples, 0u);
}

TEST(PairedScores, WithOneNumberInAllKnowNoError) {
  const Estimate e = PairedScores({{{0.7}}}, true).column(0);
  EXPECT_DOUBLE_EQ(e.value, 0.7);
  EXPECT_TRUE(std::isnan(e.se));
}

TEST(PairedScores, BoundAPerfectScoreByTheBinomialsMidP) {
  const Estimate e = PairedScores({{std::vector<double>(50, 1.0), std::vector<double>(50, 1.0)}}).column(0);
  EXPECT_DOUBLE_EQ(e.hi, 1);
  EXPECT_NEAR(e.lo, std::pow(0.05, 1. / 50), 1e-9);
}

TEST(PairedScores, UseEachColumnsOwnSeeds) {
  const PairedScores scores({{{1, 0, 1, 1}, {1, 1, 1, 0}, {0, 0, 1, 1}}, {{1, 1, 1, 1}, {}, {1, 0, 1, 1}}});
  EXPECT_EQ(scores.seeds_of(1), 2u);
  EXPECT_DOUBLE_EQ(scores.mean(1), 7. / 8);
  EXPECT_EQ(scores.linear({{0, 1.}, {1, -1.}}).seeds, 2u);
}

TEST(PairedScores, RefuseTablesThatDoNotFit) {
  EXPECT_THROW(PairedScores({{{1, 0}, {1}}}), Error);
  EXPECT_THROW(PairedScores({{{1, 0}}, {{1, 0}, {0, 1}}}), Error);
  EXPECT_THROW(PairedScores(Columns(1, std::vector<std::vector<double>>(2))), Error);
  EXPECT_THROW(PairedScores({{{1, 0}}}, true), Error);
}

TEST(PerformanceGapRecovered, AgreesWithTheReference) {
  const Pgr result = pgr(PairedScores(reference_columns()), 0, 1, 2);
  ASSERT_TRUE(result.estimate);
  expect_estimate(*result.estimate, 0.571428571, 0.229610732, 2.07321, -0.117177, 2.198838);
  ASSERT_TRUE(result.per_seed[0] && result.per_seed[1] && result.per_seed[2]);
  EXPECT_NEAR(*result.per_seed[0], 0.1875, 1e-12);
  EXPECT_NEAR(*result.per_seed[1], 2. / 3, 1e-12);
  EXPECT_NEAR(*result.per_seed[2], 1, 1e-12);
}

TEST(PerformanceGapRecovered, IsUndefinedWhereAllModelsGuess) {
  Simulation chance({0.5, 0.5, 0.5}, 5, 500, 0.1, 11);
  int defined = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const Pgr result = pgr(PairedScores(chance.draw()), 0, 1, 2);
    defined += result.estimate.has_value();
    if (!result.estimate) {
      EXPECT_EQ(result.reason.find("undefined: ceiling − floor = "), 0u);
      EXPECT_NE(result.reason.find(" is not clearly positive"), std::string::npos);
    }
  }
  EXPECT_LE(defined, 400 * 0.06);  // one-sided: a gap of 2 standard errors by luck
}

TEST(PerformanceGapRecovered, SaysHowLargeAnUnclearGapIs) {
  const Columns same = {
      {{1, 0, 1, 0}, {0, 1, 0, 1}}, {{1, 0, 1, 0}, {0, 1, 0, 1}}, {{1, 1, 1, 1}, {1, 1, 1, 1}}};
  EXPECT_EQ(pgr(PairedScores(same), 0, 1, 2).reason,
            "undefined: ceiling − floor = 0.000 ± 0.167 is not clearly positive");
}

TEST(PerformanceGapRecovered, NeedsAStandardErrorOfTheGap) {
  const Pgr result = pgr(PairedScores({{{0.5}}, {{0.9}}, {{0.7}}}, true), 0, 1, 2);
  EXPECT_FALSE(result.estimate);
  EXPECT_NE(result.reason.find("no standard error"), std::string::npos);
}

TEST(Intervals, CoverTheTruthAtFewSeedsWherePercentilesDoNot) {
  constexpr int kTrials = 300;
  for (const std::size_t seeds : {3, 5})
    for (const double noise : {0.05, 0.2}) {
      Simulation world({0.6, 0.8, 0.7}, seeds, 300, noise, 100 * seeds);
      int mean = 0, ratio = 0, shown = 0, percentile = 0;
      for (int trial = 0; trial < kTrials; ++trial) {
        const PairedScores scores(world.draw());
        mean += holds(scores.column(2), 0.7);
        const Interval plain = bootstrap_interval(Bootstrap(scores, 200, trial), 2);
        percentile += plain.lo <= 0.7 && 0.7 <= plain.hi;
        const Pgr result = pgr(scores, 0, 1, 2);
        if (!result.estimate || std::isnan(result.estimate->lo)) continue;
        ++shown;
        ratio += holds(*result.estimate, 0.5);
      }
      SCOPED_TRACE(testing::Message()
                   << seeds << " seeds, noise " << noise << ": mean " << mean << "/" << kTrials << ", PGR "
                   << ratio << "/" << shown << ", percentile " << percentile);
      EXPECT_GE(mean, kTrials * 0.93);
      EXPECT_GE(shown, kTrials * 0.7);
      EXPECT_GE(ratio, shown * 0.93);
      if (seeds == 3 && noise == 0.2) {
        EXPECT_LE(percentile, kTrials * 0.93);
      }
    }
}

TEST(Bootstrap, IsRepeatableAndCentredOnTheMeans) {
  const PairedScores scores(reference_columns());
  const Bootstrap a(scores, 4000, 7), b(scores, 4000, 7), other(scores, 4000, 8);
  double sum = 0, squares = 0;
  bool differs = false;
  for (std::size_t r = 0; r < a.replicates(); ++r) {
    ASSERT_EQ(a.draw(r, 1), b.draw(r, 1));
    differs |= a.draw(r, 1) != other.draw(r, 1);
    sum += a.draw(r, 0);
    squares += (a.draw(r, 0) - scores.mean(0)) * (a.draw(r, 0) - scores.mean(0));
  }
  EXPECT_TRUE(differs);
  EXPECT_NEAR(sum / 4000, scores.mean(0), 0.005);
  // Seeds and examples, each unbiased, without the interaction's correction and without answers added.
  EXPECT_NEAR(std::sqrt(squares / 4000), scores.linear({{0, 1.}}).se, 0.01);
}

TEST(Bootstrap, AgreesWithTheReferenceUpToTheNoiseOfReplicates) {
  const PairedScores scores(reference_columns());
  const Bootstrap bootstrap(scores, 40'000, 11);
  const auto expect = [](const Interval& found, double lo, double hi) {
    EXPECT_NEAR(found.lo, lo, 0.03 * (hi - lo));
    EXPECT_NEAR(found.hi, hi, 0.03 * (hi - lo));
  };
  expect(bootstrap_interval(bootstrap, 0), 0.4675, 0.6214);
  expect(bootstrap_interval(bootstrap, 1), 0.8398, 0.9417);
  expect(bootstrap_interval(bootstrap, 2), 0.5459, 0.9050);
  expect(bootstrap_pgr_interval(bootstrap, 0, 1, 2), 0.1343, 1.1442);
}

TEST(Bootstrap, PairsItsColumns) {
  Columns x = reference_columns();
  x.push_back(x[0]);
  const Bootstrap bootstrap(PairedScores(x), 100, 3);
  for (std::size_t r = 0; r < 100; ++r) EXPECT_DOUBLE_EQ(bootstrap.draw(r, 0), bootstrap.draw(r, 3));
}

TEST(Bootstrap, GivesPgrAnInfiniteEndWhereTheGapMayVanish) {
  const Columns x = {
      {{0, 0, 0, 1}, {0, 1, 0, 0}}, {{1, 0, 0, 1}, {0, 1, 1, 0}}, {{1, 1, 0, 0}, {1, 0, 0, 1}}};
  const PairedScores scores(x);
  const Interval interval = bootstrap_pgr_interval(Bootstrap(scores, 2000, 1), 0, 1, 2);
  EXPECT_TRUE(std::isinf(interval.lo) || std::isinf(interval.hi));
}

TEST(PairedTest, AgreesWithTheReference) {
  const PairedTest test = paired_test(PairedScores(reference_columns()), 2, 0);
  EXPECT_EQ(test.test, "paired t");
  EXPECT_NEAR(test.difference.value, 0.2, 1e-12);
  EXPECT_NEAR(test.p, 0.081213220, 1e-5);
}

TEST(PairedTest, RejectsATrueNullAtMostAsOftenAsItSays) {
  constexpr int kTrials = 600;
  for (const std::size_t seeds : {3, 5}) {
    Simulation world({0.7, 0.7}, seeds, 200, 0.15, 40 + seeds);
    int rejected = 0;
    for (int trial = 0; trial < kTrials; ++trial)
      rejected += paired_test(PairedScores(world.draw()), 0, 1).p < 0.05;
    EXPECT_LE(rejected, kTrials * 0.075) << seeds << " seeds";
    EXPECT_GE(rejected, kTrials * 0.01) << seeds << " seeds";
  }
}

TEST(PairedTest, FindsADifferenceOfTheDetectableSizeAboutFourTimesInFive) {
  constexpr int kTrials = 300;
  Simulation world({0.74, 0.70}, 5, 400, 0.02, 5);
  int rejected = 0;
  double detectable = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const PairedTest test = paired_test(PairedScores(world.draw()), 0, 1);
    rejected += test.p < 0.05;
    detectable += test.detectable / kTrials;
  }
  const double power = static_cast<double>(rejected) / kTrials;
  EXPECT_EQ(power > 0.8, detectable < 0.04) << "power " << power << ", detectable " << detectable;
}

TEST(PairedTest, WithOneSeedIsMcNemars) {
  constexpr int kTrials = 600;
  Simulation world({0.7, 0.7}, 1, 200, 0.0, 9);
  int rejected = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const PairedTest test = paired_test(PairedScores(world.draw()), 0, 1);
    ASSERT_EQ(test.test, "mcnemar mid-p");
    rejected += test.p < 0.05;
  }
  EXPECT_LE(rejected, kTrials * 0.075);
  EXPECT_GE(rejected, kTrials * 0.02);
}

TEST(PairedTest, OfAColumnWithItselfFindsNothing) {
  const PairedScores scores(reference_columns());
  const Bootstrap bootstrap(scores, 200, 1);
  const PairedTest test = paired_test(scores, 1, 1, &bootstrap);
  EXPECT_EQ(test.p, 1);
  EXPECT_EQ(test.bootstrap_p, 1);
}

TEST(PairedTest, UsesOnlyTheSeedsThatBothHave) {
  const PairedScores scores({{{1, 0, 1, 1}, {1, 1, 1, 0}, {}}, {{}, {0, 1, 0, 0}, {1, 0, 1, 1}}});
  const PairedTest test = paired_test(scores, 0, 1);
  EXPECT_DOUBLE_EQ(test.difference.value, 0.5);
  EXPECT_EQ(test.difference.seeds, 1u);
  EXPECT_EQ(paired_test(PairedScores({{{1, 0}, {}}, {{}, {0, 1}}}), 0, 1).test, "");
}

TEST(Intervals, HoldAtTheBoundaryAndForFewRowsAndSeeds) {
  constexpr int kTrials = 400;
  for (const std::size_t seeds : {1, 2, 3, 10})
    for (const std::size_t examples : {4, 50})
      for (const double accuracy : {0.02, 0.5}) {
        Simulation world({accuracy, accuracy}, seeds, examples, seeds > 1 ? 0.1 : 0.0, 7 * seeds + examples);
        int mean = 0, difference = 0;
        for (int trial = 0; trial < kTrials; ++trial) {
          const PairedScores scores(world.draw());
          mean += holds(scores.column(0), accuracy);
          difference += holds(scores.linear({{0, 1.}, {1, -1.}}), 0);
        }
        SCOPED_TRACE(testing::Message() << seeds << " seeds, " << examples << " examples, accuracy "
                                        << accuracy << ": mean " << mean << ", difference " << difference);
        EXPECT_GE(mean, kTrials * 0.92);
        EXPECT_GE(difference, kTrials * 0.92);
      }
}

TEST(PairedTest, ClaimsNothingWithoutNoiseToTestAgainst) {
  const PairedTest test = paired_test(PairedScores({{{0.8}, {0.8}}, {{0.7}, {0.7}}}, true), 0, 1);
  EXPECT_TRUE(std::isnan(test.p));
}

std::vector<double> outcomes(int first, int second) {
  std::vector<double> x(static_cast<std::size_t>(first), 1.0);
  x.resize(static_cast<std::size_t>(first + second), 0.0);
  return x;
}

TEST(McNemar, AgreesWithTheReference) {
  const auto mid_p = [](int b, int c) {
    const auto a = outcomes(b, c);
    std::vector<double> opposite;
    for (const double x : a) opposite.push_back(1 - x);
    return mcnemar_mid_p(a, opposite);
  };
  EXPECT_NEAR(mid_p(3, 11), 0.03515625, 1e-12);
  EXPECT_NEAR(mid_p(0, 6), 0.015625, 1e-12);
  EXPECT_NEAR(mid_p(60, 40), 0.0460440669293428, 1e-12);
  EXPECT_DOUBLE_EQ(mid_p(5, 5), 1);
  EXPECT_DOUBLE_EQ(mcnemar_mid_p(outcomes(4, 4), outcomes(4, 4)), 1);
}

TEST(Holm, StepsDown) {
  const auto adjusted = holm({0.01, 0.04, 0.03, NAN, 0.005});
  EXPECT_NEAR(adjusted[0], 0.03, 1e-12);
  EXPECT_NEAR(adjusted[1], 0.06, 1e-12);
  EXPECT_NEAR(adjusted[2], 0.06, 1e-12);
  EXPECT_TRUE(std::isnan(adjusted[3]));
  EXPECT_NEAR(adjusted[4], 0.02, 1e-12);
  EXPECT_EQ(holm({0.7, 0.9}), (std::vector<double>{1, 1}));
}

TEST(Midranks, ShareTies) {
  EXPECT_EQ(midranks({0.7, 0.9, 0.7, 0.5}), (std::vector<double>{2.5, 1, 2.5, 4}));
}

TEST(SmallestDetectableDifference, ApproachesTheNormalFormula) {
  EXPECT_NEAR(smallest_detectable_difference(0.01, 1e9), 0.01 * (1.959963985 + 0.841621234), 1e-5);
}

TEST(SmallestDetectableDifference, AgreesWithTheReferenceAndWithSimulatedPower) {
  // By numeric integration (the reference script):
  for (const auto& [df, shift] :
       {std::pair(2.0, 5.65349), {4.4, 3.64453}, {10.0, 3.10997}, {37.3, 2.87635}, {250.0, 2.81240}})
    EXPECT_NEAR(smallest_detectable_difference(1, df), shift, 1e-3 * shift) << df;
  // Where 80 % of 2,000,000 draws of (normal + shift) / sqrt(chi²/df) exceed t's 97.5 % quantile.
  EXPECT_NEAR(smallest_detectable_difference(1, 2), 5.656, 0.01);
  EXPECT_NEAR(smallest_detectable_difference(1, 4), 3.761, 0.01);
}

}  // namespace
}  // namespace w2s
