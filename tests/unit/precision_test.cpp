// train.precision = "bfloat16": matrix products in bfloat16; weights, losses and optimiser in float32.
#include <gtest/gtest.h>

#include <w2s/torch_compat.hpp>

#include "engine/network.hpp"
#include "engine/trainer.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

const Registry& registry() {
  static const Registry all = load_plugins();
  return all;
}

TEST(Autocast, IsOfThisScopeAlone) {
  const Tensor a = at::ones({4, 4}), b = at::ones({4, 4});
  EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kFloat);
  {
    const compat::Autocast half(at::kCPU, at::kBFloat16);
    EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kBFloat16);
    EXPECT_EQ(at::matmul(a, b).scalar_type(), at::kBFloat16);
    {
      const compat::Autocast full(at::kCPU, at::kFloat);
      EXPECT_EQ(at::matmul(a, b).scalar_type(), at::kFloat);
    }
    EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kBFloat16);
  }
  EXPECT_EQ(at::matmul(a, b).scalar_type(), at::kFloat);
}

TEST(Autocast, RefusesWhatADeviceDoesNotKnow) {
  const auto message = [](at::DeviceType device, at::ScalarType type) -> std::string {
    try {
      const compat::Autocast mixed(device, type);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(at::kXPU, at::kBFloat16), "mixed precision in BFloat16 is not supported on 'xpu'");
  EXPECT_EQ(message(at::kCPU, at::kHalf), "mixed precision in Half is not supported on 'cpu'");
  EXPECT_EQ(message(at::kXPU, at::kFloat), "") << "off is off everywhere";
}

// Two classes of noisy points, 10 numbers each.
Supervision points(std::int64_t n) {
  Stream stream(3, "points");
  Columns columns;
  columns.dense = at::empty({n, 10});
  columns.labels = at::empty({n}, at::kLong);
  for (std::int64_t i = 0; i < n; ++i) {
    columns.ids.push_back(std::to_string(i));
    columns.labels[i] = i % 2;
    for (std::int64_t d = 0; d < 10; ++d)
      columns.dense[i][d] = stream.normal() + (i % 2 == 1 ? 0.7 : -0.7) * (d < 5 ? 1 : 0);
  }
  const Tensor targets = at::one_hot(columns.labels, 2).to(at::kFloat);
  return {Examples(std::move(columns)), targets, at::ones({n}), {}, {}};
}

struct Trained {
  std::vector<double> losses;
  Tensor logits;
};

Trained train(Precision precision) {
  const Supervision labels = points(96);
  TrainParams params;
  params.precision = precision;
  params.epochs = 5;
  params.batch = 16;
  params.lr = 1e-2;
  params.micro_tokens = 5;
  const auto model = registry().make_model({"mlp", {{"hidden", List{32, 16}}}, {}});
  ModelContext context;
  context.input_shape = {10};
  model->build(context, Stream(1, "weights"));
  Head head(model->feature_size(), TaskKind::classification, 2, params);
  const Encoded inputs = model->encode(labels.examples, TaskKind::classification);
  NetworkTrainee trainee(*model, head, inputs, Trainable::all(), at::kCPU, precision_of(params));
  const auto loss = registry().make_loss({"cross_entropy", {}, {}});
  Trained trained;
  Trainer trainer(trainee, *loss, "cross_entropy", params, labels, nullptr, Stream(1, "fit"), at::kCPU,
                  [&](const Progress& report) { trained.losses.push_back(report.loss); });
  trainer.run();
  EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kFloat);
  for (const Parameters::Item* item : trainee.trained()) EXPECT_EQ(item->tensor.scalar_type(), at::kFloat);
  trained.logits = all_logits(trainee, 64);
  return trained;
}

TEST(Precision, BFloat16TrainsLikeFloat32) {
  const Trained full = train(Precision::float32), half = train(Precision::bfloat16);
  ASSERT_EQ(full.losses.size(), half.losses.size());
  double apart = 0;
  for (std::size_t step = 0; step < full.losses.size(); ++step) {
    EXPECT_NEAR(half.losses[step], full.losses[step], 0.02) << "step " << step;
    apart = std::max(apart, std::abs(half.losses[step] - full.losses[step]));
  }
  EXPECT_GT(apart, 1e-7) << "nothing was computed in bfloat16";
  EXPECT_LT(full.losses.back(), 0.5 * full.losses.front());
  EXPECT_GT(half.logits.argmax(1).eq(full.logits.argmax(1)).to(at::kFloat).mean().item<double>(), 0.95);
}

TEST(Precision, IsOneOfTwo) {
  EXPECT_EQ(parse_train({{"precision", "bfloat16"}}, "train").precision, Precision::bfloat16);
  try {
    parse_train({{"precision", "bfloat"}}, "train");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'bfloat16'?"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace w2s
