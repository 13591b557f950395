#include <w2s/losses.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

#include <w2s/torch_compat.hpp>

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

// Float rows, which have code of their own, against LibTorch's formulas in double.
Tensor two_logits() {
  Tensor logits = 4 * at::randn({37, 2}, at::make_generator<at::CPUGeneratorImpl>(7));
  logits[0] = at::tensor({3e4f, -3e4f});
  logits[1] = at::tensor({-200.0f, 10.0f});
  logits[2] = at::tensor({1.5f, 1.5f});
  return logits;
}

TEST(LogProbabilities, OfTwoClassesInFloatAgreeWithDouble) {
  const Tensor logits = two_logits().requires_grad_(true);
  const Tensor precise = two_logits().to(at::kDouble).requires_grad_(true);
  const Tensor log_p = log_probabilities(logits), expected = log_probabilities(precise);
  EXPECT_TRUE(at::allclose(log_p.to(at::kDouble), expected, 2e-7, 1e-7));
  const Tensor slopes = at::randn({37, 2}, at::make_generator<at::CPUGeneratorImpl>(8));
  log_p.backward(slopes);
  expected.backward(slopes.to(at::kDouble));
  EXPECT_TRUE(at::allclose(logits.grad().to(at::kDouble), precise.grad(), 1e-5, 3e-7));
}

TEST(LogProbabilities, OfTwoClassesHaveSecondDerivatives) {
  const auto curvature = [](at::ScalarType type) {
    const Tensor logits = at::tensor({0.3, -0.7}).unsqueeze(0).to(type).requires_grad_(true);
    const Tensor slope = torch::autograd::grad({log_probabilities(logits).select(1, 1).sum()}, {logits}, {},
                                               /*retain_graph=*/true, /*create_graph=*/true)[0];
    return torch::autograd::grad({slope.select(1, 0).sum()}, {logits})[0].to(at::kDouble);
  };
  EXPECT_TRUE(at::allclose(curvature(at::kFloat), curvature(at::kDouble), 0, 1e-7));
}

TEST(LogProbabilities, OfTwoClassesPassOnWhatIsNotANumber) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Tensor log_p = log_probabilities(at::tensor({nan, 0.0f, inf, inf, -inf, 0.0f}).view({3, 2}));
  EXPECT_TRUE(log_p.slice(0, 0, 2).isnan().all().item<bool>()) << log_p;
  EXPECT_EQ(log_p[2][0].item<float>(), -inf);
  EXPECT_EQ(log_p[2][1].item<float>(), 0);
}

TEST(CrossEntropy, OfFloatRowsAgreesWithDoubleAndPassesGradientsToBothSides) {
  for (const std::int64_t classes : {2, 7}) {
    const auto values = [&](at::ScalarType type) {
      const Tensor logits =
          at::randn({19, classes}, at::make_generator<at::CPUGeneratorImpl>(3)).to(type).requires_grad_(true);
      const Tensor scores =
          at::randn({19, classes}, at::make_generator<at::CPUGeneratorImpl>(4)).to(type).requires_grad_(true);
      const Tensor losses = cross_entropy(log_probabilities(logits), scores.softmax(1));
      losses.pow(2).sum().backward();
      return at::cat({losses.detach().unsqueeze(1), logits.grad(), scores.grad()}, 1).to(at::kDouble);
    };
    EXPECT_TRUE(at::allclose(values(at::kFloat), values(at::kDouble), 1e-5, 2e-6)) << classes;
  }
}

TEST(Quantile, OfFloatsHasTheBitsOfLibTorch) {
  const Tensor values = at::rand({101}, at::make_generator<at::CPUGeneratorImpl>(5));
  for (const double q : {0.0, 0.1, 0.25, 0.333, 0.5, 0.77, 0.999, 1.0}) {
    const Tensor share = at::scalar_tensor(q, at::kFloat);
    const float ours = quantile_linear(values, share).item<float>();
    const float theirs = at::quantile(values, share).item<float>();
    if (TORCH_VERSION_MAJOR < 2) {
      EXPECT_EQ(ours, theirs) << q;
    } else {
      EXPECT_FLOAT_EQ(ours, theirs) << q;  // interpolates in another order
    }
  }
  Tensor broken = values.clone();
  broken[50] = std::nanf("");
  EXPECT_TRUE(std::isnan(quantile_linear(broken, at::scalar_tensor(0.5f)).item<float>()));
}

}  // namespace
}  // namespace w2s
