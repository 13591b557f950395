#include <w2s/losses.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace w2s {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Quantile, InterpolatesBetweenNeighbours) {
  const Tensor values = at::tensor({4.0, 1.0, 3.0, 2.0}, at::kDouble);
  const auto quantile = [&](double q) {
    return quantile_linear(values, at::scalar_tensor(q, at::kDouble)).item<double>();
  };
  EXPECT_DOUBLE_EQ(quantile(0), 1);
  EXPECT_DOUBLE_EQ(quantile(0.5), 2.5);
  EXPECT_NEAR(quantile(0.8), 3.4, 1e-12);
  EXPECT_DOUBLE_EQ(quantile(1), 4);
  EXPECT_DOUBLE_EQ(quantile(1 + 1e-7), 4) << "rounding of a mean may lead just outside [0, 1]";
}

TEST(Ramp, RisesLinearlyAndStaysAtOne) {
  EXPECT_DOUBLE_EQ(ramp(0, 0.2), 0);
  EXPECT_DOUBLE_EQ(ramp(0.05, 0.2), 0.25);
  EXPECT_DOUBLE_EQ(ramp(0.2, 0.2), 1);
  EXPECT_DOUBLE_EQ(ramp(0.9, 0.2), 1);
  EXPECT_DOUBLE_EQ(ramp(0, 0), 1) << "no warm-up";
}

TEST(KlDivergence, OfOneHotLabelsIsTheCrossEntropy) {
  const Tensor log_p = log_probabilities(at::tensor({0.0, std::log(3.0)}, at::kDouble).unsqueeze(0));
  const Tensor y = at::tensor({0.0, 1.0}, at::kDouble).unsqueeze(0);
  EXPECT_NEAR(kl_divergence(y, log_p).item<double>(), -std::log(0.75), 1e-15);
  EXPECT_NEAR(cross_entropy(log_p, y).item<double>(), -std::log(0.75), 1e-15);
}

TEST(KlDivergence, OfADistributionToItselfIsZero) {
  const Tensor log_p = log_probabilities(at::tensor({0.3, -1.0, 2.0}, at::kDouble).unsqueeze(0));
  EXPECT_NEAR(kl_divergence(log_p.exp(), log_p).item<double>(), 0, 1e-15);
}

TEST(LogProbabilities, OfHalfPrecisionLogitsAreSingle) {
  EXPECT_EQ(log_probabilities(at::zeros({1, 2}, at::kBFloat16)).scalar_type(), at::kFloat);
  EXPECT_EQ(log_probabilities(at::zeros({1, 2}, at::kDouble)).scalar_type(), at::kDouble);
}

TEST(FocalTerms, HaveFiniteGradientsWhereAProbabilityIsOne) {
  const Tensor logits = at::tensor({1e4f, -1e4f}).unsqueeze(0).requires_grad_(true);
  focal_terms(log_probabilities(logits), 0.5).sum().backward();
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << logits.grad();
}

TEST(TransitionMatrix, RowsMustSumToOne) {
  const std::string message = message_of([] { transition_matrix({{0.8, 0.2}, {0.3, 0.6}}); });
  EXPECT_EQ(message, "transition: row 1 sums to 0.9, expected 1 (rows are true classes)");
}

TEST(TransitionMatrix, MustBeSquareProbabilities) {
  EXPECT_EQ(message_of([] {
              transition_matrix({{0.8, 0.2}});
            }),
            "transition: expected at least 2 rows, found 1");
  EXPECT_EQ(message_of([] {
              transition_matrix({{0.8, 0.2}, {1.0}});
            }),
            "transition: row 1 has 1 numbers, expected 2 (a square matrix)");
  EXPECT_EQ(message_of([] {
              transition_matrix({{1.5, -0.5}, {0.5, 0.5}});
            }),
            "transition: row 0, column 0 is 1.5, expected a probability");
  EXPECT_EQ(message_of([] {
              transition_matrix({{NAN, 1.0}, {0.5, 0.5}});
            }),
            "transition: row 0, column 0 is nan, expected a probability");
}

TEST(TransitionMatrix, MustHaveOneRowPerClass) {
  const Tensor matrix = transition_matrix({{0.8, 0.2}, {0.3, 0.7}});
  EXPECT_NO_THROW(check_transition(matrix, {TaskKind::classification, 2}));
  EXPECT_EQ(message_of([&] {
              check_transition(matrix, {TaskKind::classification, 3});
            }),
            "transition: a 2×2 matrix for a task of 3 classes, expected 3×3");
}

}  // namespace
}  // namespace w2s
