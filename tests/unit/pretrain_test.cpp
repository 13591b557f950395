// Pretraining that is interrupted and goes on ends in the bits of one that never was.
#include "engine/pretrain.hpp"

#include <gtest/gtest.h>

#include <w2s/torch_compat.hpp>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::blobs;
using testing::examples_of;
using testing::plugins;
using testing::TemporaryFolder;

// Rebuilds its inputs from noisy features: it has weights of its own and draws at every step.
class Denoise final : public IObjective {
 public:
  void begin(IModel& model, const Encoded& inputs, Stream stream) override {
    const std::int64_t width = inputs.dense.dense({0}).size(1);
    parameters().add("map", testing::normals({model.feature_size(), width}, stream) * 0.1);
  }
  Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows,
              Stream& stream) override {
    seen_precision = compat::Autocast::current(at::kCPU);
    const Tensor x = inputs.dense.dense(rows);
    Batch batch;
    batch.x = x + 0.5 * testing::normals(x.sizes().vec(), stream);
    return at::mse_loss(at::matmul(model.features(batch), parameters().at("map")).to(at::kFloat), x);
  }
  at::ScalarType seen_precision = at::kFloat;
};

struct Trained {
  std::map<std::string, Tensor> weights;
  std::vector<Progress> reports;
  at::ScalarType precision = at::kFloat;
};

constexpr std::int64_t kInterrupted = 7;

TrainParams settings() {
  TrainParams train;
  train.epochs = 3;
  train.batch = 16;
  train.lr = 1e-2;
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.1;
  train.warmup = 4;
  train.clip_norm = 0.5;
  return train;
}

// Steps until the end, or until `last` steps were done in this process; the state is kept in `folder`.
Trained run(const TrainParams& train, const std::string& folder = "", std::int64_t last = -1) {
  const Examples examples = examples_of(blobs(70, 2, 6, 1.0, 3));
  const auto model = plugins().make_model({"mlp", {{"hidden", List{12, 8}}}, {}});
  ModelContext context;
  context.input_shape = {6};
  model->build(context, Stream(1, "weights"));
  Encoded inputs;
  inputs.dense = examples;
  Denoise objective;
  Trained trained;
  CheckpointSchedule schedule;
  schedule.asked_to_end = [&] { return static_cast<std::int64_t>(trained.reports.size()) == last; };
  Checkpoints checkpoints(folder, schedule);
  pretrain(
      *model, objective, "denoise", inputs, train, Stream(5, "pretrain"), at::kCPU,
      [&](const Progress& report) { trained.reports.push_back(report); },
      folder.empty() ? nullptr : &checkpoints);
  for (const Parameters::Item& item : model->parameters().items()) trained.weights[item.name] = item.tensor;
  trained.precision = objective.seen_precision;
  return trained;
}

TEST(Pretrain, GoesOnFromAnInterruptionToTheSameBits) {
  const TemporaryFolder folder;
  const Trained whole = run(settings());
  ASSERT_EQ(whole.reports.size(), 12u);  // 70 rows are 4 whole batches of 16: 7 steps end within an epoch
  EXPECT_THROW(run(settings(), folder.path(), kInterrupted), Interrupted);
  const Trained rest = run(settings(), folder.path());
  ASSERT_EQ(rest.reports.size(), whole.reports.size() - kInterrupted);
  for (std::size_t i = 0; i < rest.reports.size(); ++i) {
    const Progress &found = rest.reports[i], &expected = whole.reports[i + kInterrupted];
    EXPECT_EQ(found.step, expected.step);
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.lr, expected.lr);
    EXPECT_EQ(found.gradient_norm, expected.gradient_norm);
  }
  ASSERT_EQ(rest.weights.size(), whole.weights.size());
  for (const auto& [name, tensor] : whole.weights)
    EXPECT_TRUE(at::equal(tensor, rest.weights.at(name))) << name;
}

TEST(Pretrain, MultipliesInThePrecisionThatIsAskedFor) {
  TrainParams half = settings();
  half.precision = Precision::bfloat16;
  const Trained full = run(settings()), mixed = run(half);
  EXPECT_EQ(full.precision, at::kFloat);
  EXPECT_EQ(mixed.precision, at::kBFloat16);
  EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kFloat);
  EXPECT_NE(mixed.reports.back().loss, full.reports.back().loss);
  EXPECT_NEAR(mixed.reports.back().loss, full.reports.back().loss, 0.02 * full.reports.back().loss);
  for (const auto& [name, tensor] : mixed.weights) EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
}

}  // namespace
}  // namespace w2s
