// plugins/models/mlp and conv, and the SimCLR objective on them.
#include <w2s/model.hpp>
#include <w2s/objective.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

std::unique_ptr<IModel> model(const std::string& name, const Table& params = {}, std::uint64_t seed = 0,
                              const std::vector<std::int64_t>& shape = {1, 28, 28}) {
  auto made = plugins().make_model({name, params, {}});
  made->build({TaskKind::classification, 10, shape}, Stream(seed, "model"));
  return made;
}

Tensor images(std::int64_t count, std::uint64_t seed = 5) {
  Stream stream(seed, "images");
  return at::rand({count, 1, 28, 28}, stream.generator());
}

class SmallModel : public testing::TestWithParam<const char*> {};

TEST_P(SmallModel, GivesOneFeatureVectorPerImage) {
  const auto net = model(GetParam());
  EXPECT_EQ(net->features({images(3), {}, {}}).sizes(), (std::vector<std::int64_t>{3, net->feature_size()}));
}

TEST_P(SmallModel, SendsAGradientToEveryWeight) {
  const auto net = model(GetParam());
  net->features({images(8), {}, {}}).square().sum().backward();
  for (const auto& item : net->parameters().items()) {
    ASSERT_TRUE(item.tensor.grad().defined()) << item.name;
    EXPECT_GT(item.tensor.grad().abs().max().item<double>(), 0) << item.name;
  }
}

TEST_P(SmallModel, IsFixedByItsSeed) {
  const auto first = model(GetParam()), second = model(GetParam()), other = model(GetParam(), {}, 1);
  const Tensor features = first->features({images(2), {}, {}});
  EXPECT_TRUE(second->features({images(2), {}, {}}).equal(features));
  EXPECT_FALSE(other->features({images(2), {}, {}}).equal(features));
}

TEST_P(SmallModel, TreatsEachImageAlone) {
  const auto net = model(GetParam());
  const Tensor x = images(4);
  const Tensor whole = net->features({x, {}, {}});
  EXPECT_TRUE(net->features({x.slice(0, 1, 2), {}, {}}).allclose(whole.slice(0, 1, 2), 1e-4, 1e-5));
}

TEST_P(SmallModel, NumbersItsBlocksFromTheInput) {
  const auto net = model(GetParam());
  std::int64_t last = 0;
  for (const auto& item : net->parameters().items()) {
    const std::int64_t block = net->block_of(item.name);
    EXPECT_GE(block, last) << item.name;
    EXPECT_LT(block, net->depth()) << item.name;
    last = block;
  }
  EXPECT_EQ(last, net->depth() - 1);
}

TEST_P(SmallModel, RefusesText) { EXPECT_THROW(model(GetParam(), {}, 0, {}), UsageError); }

INSTANTIATE_TEST_SUITE_P(Plugins, SmallModel, testing::Values("mlp", "conv"));

TEST(Mlp, SeesOnlyTheRowsAndColumnsAskedFor) {
  const auto net = model("mlp", {{"hidden", List{4}}, {"rows", List{0, 3}}, {"columns", List{5, 6, 7}}});
  EXPECT_EQ(net->parameters()["hidden.0.weight"].sizes(), (std::vector<std::int64_t>{4, 6}));
  Tensor x = images(1);
  const Tensor before = net->features({x, {}, {}});
  Tensor y = x.clone();
  y.slice(2, 4).fill_(0);
  y.slice(3, 8).fill_(0);
  EXPECT_TRUE(net->features({y, {}, {}}).equal(before));
}

TEST(Mlp, ComputesWhatItsWeightsSay) {
  const auto net = model("mlp", {{"hidden", List{2}}, {"activation", "tanh"}}, 0, {3});
  const Tensor x = at::tensor({1.f, -2.f, 0.5f}).unsqueeze(0);
  const Tensor w = net->parameters()["hidden.0.weight"], b = net->parameters()["hidden.0.bias"];
  EXPECT_TRUE(net->features({x, {}, {}}).allclose((x.matmul(w.t()) + b).tanh()));
  EXPECT_LE(w.abs().max().item<double>(), 1 / std::sqrt(3.0));
}

TEST(Mlp, WithoutHiddenLayersGivesTheInputs) {
  const auto net = model("mlp", {{"hidden", List{}}});
  EXPECT_EQ(net->feature_size(), 784);
  EXPECT_TRUE(net->features({images(2), {}, {}}).equal(images(2).flatten(1)));
}

TEST(Mlp, RefusesRowsThatTheImageLacks) {
  EXPECT_THROW(model("mlp", {{"rows", List{28}}}), UsageError);
  EXPECT_THROW(model("mlp", {{"rows", List{0}}}, 0, {784}), UsageError);
}

TEST(Conv, WorksWithoutNormalisationAndAtOddSizes) {
  const auto plain =
      model("conv", {{"norm", "none"}, {"width", 6}, {"blocks", 1}, {"pool", 1}}, 0, {3, 13, 9});
  EXPECT_EQ(plain->feature_size(), 12 * 4 * 3);
  EXPECT_EQ(plain->features({at::ones({2, 3, 13, 9}), {}, {}}).size(1), plain->feature_size());
  EXPECT_THROW(model("conv", {{"pool", 5}}, 0, {1, 13, 13}), UsageError);
}

// SimCLR without augmentation: both views of an image are the image itself.
Table plain_views() {
  return {{"projection", List{16}}, {"scale", List{1, 1}},    {"shift", 0},      {"rotation", 0},
          {"flip", false},          {"contrast", List{1, 1}}, {"brightness", 0}, {"cutout", 0}};
}

Encoded encoded(std::int64_t count) {
  Columns columns;
  columns.dense = (images(count) * 255).to(at::kByte);
  columns.scale = 1.0 / 255;
  columns.mean = at::full({1, 1, 1}, 0.3f);
  columns.sd = at::full({1, 1, 1}, 0.4f);
  columns.labels = at::zeros({count}, at::kLong);
  for (std::int64_t i = 0; i < count; ++i) columns.ids.push_back(std::to_string(i));
  Encoded inputs;
  inputs.dense = Examples(columns);
  return inputs;
}

TEST(SimClr, AgreesWithADirectComputation) {
  const auto net = model("mlp", {{"hidden", List{32}}});
  const auto objective = plugins().make_objective({"simclr", plain_views(), {}});
  const Encoded inputs = encoded(5);
  objective->begin(*net, inputs, Stream(1, "begin"));
  Stream stream(2, "loss");
  const double found = objective->loss(*net, inputs, {4, 0, 2}, stream).item<double>();

  const Tensor z =
      at::linear(net->features({inputs.dense.dense({4, 0, 2}), {}, {}}),
                 objective->parameters()["projection.0.weight"], objective->parameters()["projection.0.bias"])
          .to(at::kDouble);
  const auto cosine = [&](std::int64_t i, std::int64_t j) {
    return (z[i].dot(z[j]) / (z[i].norm() * z[j].norm())).item<double>();
  };
  // Views i and i + 3 are equal; the other view counts once, each other image twice.
  double expected = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < 3; ++j) sum += (i == j ? 1 : 2) * std::exp(cosine(i, j) / 0.2);
    expected += -std::log(std::exp(1 / 0.2) / sum) / 3;
  }
  EXPECT_NEAR(found, expected, 1e-4);
}

TEST(SimClr, TrainsModelAndProjectionAndDrawsFromItsStreamOnly) {
  const auto net = model("conv", {{"width", 8}, {"blocks", 1}});
  const auto objective = plugins().make_objective({"simclr", {}, {}});
  const Encoded inputs = encoded(8);
  objective->begin(*net, inputs, Stream(1, "begin"));
  const auto loss = [&](std::uint64_t seed) {
    Stream stream(seed, "loss");
    return objective->loss(*net, inputs, {0, 1, 2, 3, 4, 5, 6, 7}, stream);
  };
  const Tensor value = loss(3);
  EXPECT_TRUE(loss(3).equal(value));
  EXPECT_FALSE(loss(4).equal(value));
  value.backward();
  for (Parameters* parameters : {&net->parameters(), &objective->parameters()}) {
    for (const auto& item : parameters->items()) {
      ASSERT_TRUE(item.tensor.grad().defined()) << item.name;
      EXPECT_TRUE(item.tensor.grad().isfinite().all().item<bool>()) << item.name;
    }
  }
}

TEST(SimClr, LossFallsUnderGradientDescent) {
  const auto net = model("mlp", {{"hidden", List{64}}});
  const auto objective = plugins().make_objective({"simclr", {}, {}});
  const Encoded inputs = encoded(16);
  objective->begin(*net, inputs, Stream(1, "begin"));
  std::vector<std::int64_t> rows(16);
  for (std::int64_t i = 0; i < 16; ++i) rows[static_cast<std::size_t>(i)] = i;
  double first = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    Stream stream(3, "loss");
    const Tensor loss = objective->loss(*net, inputs, rows, stream);
    loss.backward();
    last = loss.item<double>();
    if (step == 0) first = last;
    const at::NoGradGuard no_grad;
    for (Parameters* parameters : {&net->parameters(), &objective->parameters()}) {
      for (auto& item : parameters->items()) {
        item.tensor.sub_(item.tensor.grad() * 0.1);
        item.tensor.mutable_grad() = Tensor();
      }
    }
  }
  EXPECT_LT(last, 0.7 * first);
}

TEST(SimClr, RefusesRangesTheWrongWayRound) {
  EXPECT_THROW(plugins().make_objective({"simclr", {{"scale", List{1.1, 0.6}}}, {}}), UsageError);
  EXPECT_THROW(plugins().make_objective({"simclr", {{"contrast", List{1.0}}}, {}}), UsageError);
}

}  // namespace
}  // namespace w2s
