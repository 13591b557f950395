// What single losses refuse, and what they do at the edges of their parameters.
#include <w2s/loss.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

std::unique_ptr<ILoss> make(const std::string& name, const Table& params = {}) {
  return plugins().make_loss({name, params, {}});
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "nothing was refused";
}

Value rows(std::initializer_list<std::initializer_list<double>> matrix) {
  List list;
  for (const auto& row : matrix) list.push_back(List(row.begin(), row.end()));
  return list;
}

LossInput input(const std::vector<double>& logits, const std::vector<double>& targets,
                double step_fraction = 0.5) {
  LossInput in;
  in.logits = at::tensor(logits, at::kDouble).view({-1, 2});
  in.targets = at::tensor(targets, at::kDouble).view({-1, 2});
  in.index = at::arange(in.logits.size(0), at::kLong);
  in.weights = at::ones({in.logits.size(0)}, at::kDouble);
  in.step_fraction = step_fraction;
  return in;
}

TEST(LogConfidence, IsBinaryOnly) {
  const std::string message = refusal([] { make("logconf")->check({TaskKind::classification, 3}); });
  EXPECT_NE(message.find("binary only"), std::string::npos) << message;
  EXPECT_NE(message.find("aux_confidence"), std::string::npos) << message;
}

// Batch statistics of one row say nothing: it used to be class 0 whatever the student held.
TEST(ConfidenceLosses, HardenABatchOfOneRowToItsLikeliestClass) {
  for (const auto& [name, params] : {std::pair<std::string, Table>{"aux_confidence", {}},
                                     {"aux_confidence", {{"prior", "half"}}},
                                     {"logconf", {}}}) {
    for (const bool second : {false, true}) {
      const LossInput one = input(second ? std::vector<double>{0, 2} : std::vector<double>{2, 0}, {0.5, 0.5});
      const double low = std::log1p(std::exp(-2.0)),
                   high = low + 2;  // −log p of the likelier class, of the other
      EXPECT_NEAR(make(name, params)->forward(one)[0].item<double>(), 0.5 * (low + high) / 2 + 0.5 * low,
                  1e-12)
          << name << ", class " << second;
    }
  }
}

TEST(TruncatedGce, LearnsFromAHeadAtZeroInItsWarmUp) {
  const auto gradient = [](double step_fraction, const Table& params) {
    LossInput in = input({0, 0, 0, 0}, {0.9, 0.1, 0.2, 0.8}, step_fraction);
    in.logits = in.logits.clone().requires_grad_(true);
    make("truncated_gce", params)->forward(in).sum().backward();
    return in.logits.grad().abs().sum().item<double>();
  };
  EXPECT_GT(gradient(0, {}), 0);
  EXPECT_EQ(gradient(0.05, {}), 0);
  EXPECT_EQ(gradient(0, {{"warmup", 0}}), 0);
}

TEST(BackwardCorrection, RefusesASingularMatrix) {
  const Table params{{"transition", rows({{0.5, 0.5}, {0.5, 0.5}})}};
  const std::string message = refusal([&] { make("backward_correction", params); });
  EXPECT_NE(message.find("not invertible"), std::string::npos) << message;
}

TEST(ForwardCorrection, RefusesAMatrixOfAnotherSize) {
  const Table params{{"transition", rows({{0.9, 0.1}, {0.2, 0.8}})}};
  const std::string message = refusal([&] {
    make("forward_correction", params)->check({TaskKind::classification, 4});
  });
  EXPECT_NE(message.find("expected 4×4"), std::string::npos) << message;
}

TEST(ForwardCorrection, WithoutNoiseIsCrossEntropy) {
  const Table params{{"transition", rows({{1, 0}, {0, 1}})}};
  const LossInput in = input({0.3, -2, 900, -900}, {0.25, 0.75, 0, 1});
  EXPECT_TRUE(make("forward_correction", params)->forward(in).allclose(make("cross_entropy")->forward(in)));
}

TEST(AuxiliaryConfidence, IsCrossEntropyAtTheStart) {
  const LossInput in = input({0.3, -2, 1, 2, 0, 0}, {0.25, 0.75, 0, 1, 0.4, 0.6}, 0);
  EXPECT_TRUE(make("aux_confidence")->forward(in).allclose(make("cross_entropy")->forward(in)));
}

TEST(AuxiliaryConfidence, KeepsThePriorShareOfPositives) {
  // All four predictions favour class 0; the labels say that a quarter is class 1: the likeliest one.
  LossInput in = input({3, 0, 3, 1, 3, 2, 3, -1}, {1, 0, 1, 0, 1, 0, 0, 1}, 0.9);
  const Tensor loss = make("aux_confidence", {{"alpha_max", 1.0}})->forward(in);
  in.targets = at::tensor({1., 0., 1., 0., 0., 1., 1., 0.}, at::kDouble).view({4, 2});
  EXPECT_TRUE(loss.allclose(make("cross_entropy")->forward(in)));
}

TEST(EarlyLearning, KeepsItsAverageByExampleIndex) {
  const auto loss = make("early_learning", {{"beta", 0.5}});
  loss->begin(3, 2);
  LossInput in = input({0, 0}, {1, 0});
  in.index = at::tensor(std::vector<std::int64_t>{2}, at::kLong);
  // t = ½ · (½, ½): ⟨p, t⟩ = ¼, then t = ½ t + ½ (½, ½) = (⅜, ⅜).
  EXPECT_NEAR(loss->forward(in).item<double>(), std::log(2.0) + 3 * std::log(0.75), 1e-12);
  EXPECT_NEAR(loss->forward(in).item<double>(), std::log(2.0) + 3 * std::log(0.625), 1e-12);
  in.index = at::tensor(std::vector<std::int64_t>{0}, at::kLong);
  EXPECT_NEAR(loss->forward(in).item<double>(), std::log(2.0) + 3 * std::log(0.75), 1e-12);
}

}  // namespace
}  // namespace w2s
