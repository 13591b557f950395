// Each rule against its formula, written out in double precision.
#include "engine/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/schedule.hpp"

namespace w2s {
namespace {

struct Reference {
  double p, m = 0, v = 0;
  int t = 0;
  void step(double g, double lr, const TrainParams& s) {
    ++t;
    if (s.optimizer == OptimizerKind::sgd) {
      g += s.weight_decay * p;
      m = s.momentum * m + g;
      p -= lr * (s.momentum > 0 ? m : g);
      return;
    }
    if (s.optimizer == OptimizerKind::adamw) p -= lr * s.weight_decay * p;
    if (s.optimizer == OptimizerKind::adam) g += s.weight_decay * p;
    m = s.betas[0] * m + (1 - s.betas[0]) * g;
    v = s.betas[1] * v + (1 - s.betas[1]) * g * g;
    const double mh = m / (1 - std::pow(s.betas[0], t)), vh = v / (1 - std::pow(s.betas[1], t));
    p -= lr * mh / (std::sqrt(vh) + s.eps);
  }
};

// Minimises Σ (a − target)² of two tensors, one of odd shape, beside the reference.
void compare(const TrainParams& train) {
  Tensor a = at::linspace(-1, 1, 35).view({5, 7}).requires_grad_(true);
  Tensor b = at::full({3}, 0.5).requires_grad_(true);
  Tensor unused = at::ones({4}).requires_grad_(true);
  std::vector<Reference> reference;
  for (int i = 0; i < 35; ++i) reference.push_back({a.flatten()[i].item<double>()});
  for (int i = 0; i < 3; ++i) reference.push_back({0.5});
  Optimizer optimizer({a, b, unused}, train);
  for (int step = 0; step < 6; ++step) {
    const double lr = 0.1 / (1 + step);
    ((a - 0.3).square().sum() + (b + 2.0).square().sum()).backward();
    optimizer.clip_gradients();
    optimizer.step(lr);
    optimizer.zero_gradients();
    for (int i = 0; i < 38; ++i) {
      Reference& r = reference[static_cast<std::size_t>(i)];
      r.step(2 * (r.p - (i < 35 ? 0.3 : -2.0)), lr, train);
    }
  }
  for (int i = 0; i < 35; ++i)
    EXPECT_NEAR(a.flatten()[i].item<double>(), reference[static_cast<std::size_t>(i)].p, 2e-6);
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(b[i].item<double>(), reference[static_cast<std::size_t>(35 + i)].p, 2e-6);
  EXPECT_TRUE(unused.eq(1).all().item<bool>()) << "a tensor without a gradient was decayed";
}

TEST(Optimizer, AdamAgreesWithItsFormula) {
  TrainParams train;
  train.optimizer = OptimizerKind::adam;
  compare(train);
  train.weight_decay = 0.1;
  compare(train);
}

TEST(Optimizer, AdamWDecaysApartFromTheGradient) {
  TrainParams train;
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.1;
  train.betas = {0.8, 0.95};
  compare(train);
}

// What runs on a GPU, here on the CPU: LibTorch's fused kernel or, before 2.4, its operations.
TEST(Optimizer, AdamInLibTorchsOperationsAgreesWithTheKernel) {
  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::adamw}) {
    SCOPED_TRACE(name_of(kind));
    TrainParams train;
    train.optimizer = kind;
    train.weight_decay = 0.1;
    train.betas = {0.8, 0.95};
    const Tensor value = at::linspace(-1, 1, 1001), first = at::zeros({1001}), second = at::zeros({1001});
    const Tensor p = value.clone(), m = first.clone(), v = second.clone();
    for (std::int64_t t = 1; t <= 5; ++t) {
      const Tensor gradient = at::sin(at::arange(1001, at::kFloat) * static_cast<double>(t));
      const AdamStep step = adam_step(train, 0.03, t);
      adam_kernel(value.data_ptr<float>(), gradient.data_ptr<float>(), first.data_ptr<float>(),
                  second.data_ptr<float>(), 1001, step);
      adam_operations(p, gradient, m, v, step);
    }
    EXPECT_LT((p - value).abs().max().item<double>(), 1e-6);
    EXPECT_LT((m - first).abs().max().item<double>(), 1e-6);
    EXPECT_LT((v - second).abs().max().item<double>(), 1e-6);
    EXPECT_GT((value - at::linspace(-1, 1, 1001)).abs().min().item<double>(), 1e-3);
  }
}

TEST(Optimizer, SgdWithAndWithoutMomentum) {
  TrainParams train;
  train.optimizer = OptimizerKind::sgd;
  compare(train);
  train.momentum = 0.9;
  train.weight_decay = 0.01;
  compare(train);
}

TEST(Optimizer, ClippingReportsTheNormBeforeIt) {
  TrainParams train;
  train.optimizer = OptimizerKind::sgd;
  train.clip_norm = 1.0;
  Tensor a = at::zeros({2}).requires_grad_(true);
  Optimizer optimizer({a}, train);
  (a * at::tensor({3.0f, 4.0f})).sum().backward();
  EXPECT_NEAR(optimizer.clip_gradients(), 5.0, 1e-6);
  optimizer.step(1.0);
  EXPECT_NEAR(a[0].item<double>(), -0.6, 1e-5);
  EXPECT_NEAR(a[1].item<double>(), -0.8, 1e-5);
}

TEST(Optimizer, StateGoesOnWhereItStopped) {
  TrainParams train;
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.05;
  const auto steps = [&](Tensor& a, Optimizer& optimizer, int count) {
    for (int i = 0; i < count; ++i) {
      (a * a * a).sum().backward();
      optimizer.clip_gradients();
      optimizer.step(0.01);
      optimizer.zero_gradients();
    }
  };
  Tensor whole = at::linspace(0.5, 1.5, 9).requires_grad_(true);
  Optimizer first({whole}, train);
  steps(whole, first, 3);
  Tensor resumed = whole.detach().clone().requires_grad_(true);
  std::map<std::string, Tensor> state;
  for (const auto& [name, tensor] : first.state()) state[name] = tensor.clone();
  steps(whole, first, 4);
  Optimizer second({resumed}, train);
  second.load_state(state);
  steps(resumed, second, 4);
  EXPECT_TRUE(at::equal(whole, resumed));
}

TEST(Schedule, FollowsItsFormulas) {
  TrainParams train;
  train.lr = 2.0;
  train.warmup = 4;
  train.schedule = ScheduleKind::constant;
  EXPECT_DOUBLE_EQ(learning_rate(train, 0, 20), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(train, 3, 20), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(train, 19, 20), 2.0);
  train.schedule = ScheduleKind::cosine;
  EXPECT_DOUBLE_EQ(learning_rate(train, 4, 20), 2.0);
  EXPECT_NEAR(learning_rate(train, 12, 20), 1.0, 1e-12);
  train.schedule = ScheduleKind::linear;
  EXPECT_NEAR(learning_rate(train, 12, 20), 1.0, 1e-12);
  train.warmup = 0.25;  // a fraction of all steps
  EXPECT_EQ(warmup_steps(train, 20), 5);
}

}  // namespace
}  // namespace w2s
