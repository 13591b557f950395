// AlexNet's features against PyTorch, layer by layer (tools/make_alexnet.py). The weights, 57 million, come
// from a hash that both sides compute; they are loaded from a checkpoint under torchvision's names.
#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>

#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

// Numbers in [−0.5, 0.5) times `factor`.
Tensor hashed(const std::vector<std::int64_t>& shape, std::uint64_t salt, double factor) {
  Tensor values = at::empty(shape, at::kFloat);
  float* out = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    std::uint64_t x = (static_cast<std::uint64_t>(i) * 2654435761u + salt * 40503u) & 0xffffffffu;
    x = ((x ^ (x >> 15)) * 2246822519u) & 0xffffffffu;
    x = x ^ (x >> 13);
    out[i] = static_cast<float>((static_cast<double>(x) / 4294967296.0 - 0.5) * factor);
  }
  return values;
}

// "features.3.weight" → 6, its bias → 7; the fully connected ones from 100 on.
std::uint64_t salt_of(const std::string& name) {
  const std::size_t dot = name.find('.');
  const std::uint64_t index = std::stoull(name.substr(dot + 1));
  return (name.starts_with("classifier") ? 100 : 0) + 2 * index + (name.ends_with("bias") ? 1 : 0);
}

std::unique_ptr<IModel> build(std::int64_t size) {
  static const Registry registry = load_plugins();
  std::unique_ptr<IModel> model = registry.make_model({"alexnet", {}, {}});
  ModelContext context;
  context.input_shape = {3, size, size};
  model->build(context, Stream(0, "test"));
  return model;
}

TEST(AlexNet, GivesTheFeaturesOfPyTorch) {
  std::ifstream in(fs::path(W2S_SOURCE_DIR) / "tests/golden/alexnet_features.json");
  const nlohmann::json expected = nlohmann::json::parse(in);
  at::NoGradGuard no_grad;
  const std::unique_ptr<IModel> model = build(224);
  for (Parameters::Item& item : model->parameters().items()) {
    const std::vector<std::int64_t> shape = item.tensor.sizes().vec();
    const double fan_in = static_cast<double>(item.tensor.numel() / shape[0]);
    item.tensor.copy_(hashed(shape, salt_of(item.name), shape.size() == 1 ? 0.2 : std::sqrt(24 / fan_in)));
  }
  EXPECT_EQ(model->parameters().count(), 57'003'840);  // torchvision's 61,100,840 less those of classifier.6
  ASSERT_EQ(expected.at("cases").size(), 2u);
  for (const nlohmann::json& one : expected.at("cases")) {
    const auto size = one.at("size").get<std::int64_t>();
    SCOPED_TRACE(size);
    Batch batch;
    batch.x = hashed({2, 3, size, size}, 1000 + static_cast<std::uint64_t>(size), 4);
    const Tensor features = model->features(batch);
    ASSERT_EQ(features.sizes(), (std::vector<std::int64_t>{2, model->feature_size()}));
    for (std::int64_t row = 0; row < 2; ++row) {
      const auto first = one.at("first")[static_cast<std::size_t>(row)].get<std::vector<double>>();
      for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_NEAR(features[row][static_cast<std::int64_t>(i)].item<double>(), first[i], 1e-4) << i;
      }
      EXPECT_NEAR(features[row].to(at::kDouble).sum().item<double>(),
                  one.at("sum")[static_cast<std::size_t>(row)].get<double>(), 0.1);
    }
  }
}

TEST(AlexNet, CountsItsLayersFromTheInput) {
  const std::unique_ptr<IModel> model = build(64);
  EXPECT_EQ(model->depth(), 7);
  EXPECT_EQ(model->block_of("features.0.weight"), 0);
  EXPECT_EQ(model->block_of("features.10.bias"), 4);
  EXPECT_EQ(model->block_of("classifier.4.weight"), 6);
}

TEST(AlexNet, RefusesImagesThatItCannotPool) { EXPECT_THROW(build(62), UsageError); }

}  // namespace
}  // namespace w2s
