// Every model of the fixtures against what Hugging Face transformers computed, in float32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>

#include "../support/fixtures.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

constexpr double kTolerance = 2e-5;

const Registry& registry() {
  static const Registry all = load_plugins();
  return all;
}

class ModelGolden : public testing::TestWithParam<std::pair<std::string, std::string>> {
 protected:
  static void expect_close(const Tensor& found, const Tensor& expected, const std::string& what) {
    ASSERT_EQ(found.sizes(), expected.sizes()) << what;
    EXPECT_LE((found - expected).abs().max().item<double>(), kTolerance) << what;
  }

  static std::unique_ptr<IModel> build(const std::string& folder, const std::string& attention,
                                       const ModelContext& context) {
    const Spec spec{"huggingface", Table{{"path", folder}, {"attention", attention}}, {}};
    std::unique_ptr<IModel> model = registry().make_model(spec);
    model->build(context, Stream(0, "golden"));
    return model;
  }

  static void check_text(const std::string& folder, const SafeTensors& expected,
                         const std::string& attention) {
    const std::unique_ptr<IModel> model = build(folder, attention, {});
    Batch batch;
    batch.x = expected.at("input_ids").to(at::kLong);
    batch.mask = expected.at("attention_mask").to(at::kBool);
    const Tensor lengths = batch.mask.sum(1);
    for (std::int64_t r = 0; r < lengths.size(0); ++r)
      batch.lengths.push_back(lengths[r].item<std::int64_t>());

    const at::NoGradGuard no_grad;
    const Tensor states = model->hidden(batch);
    expect_close(states.index({batch.mask}), expected.at("last_hidden_state").index({batch.mask}),
                 attention + ": last_hidden_state");
    const Tensor features = model->features(batch);
    const bool decoder = expected.has("logits");
    for (std::int64_t r = 0; r < features.size(0); ++r) {
      const std::int64_t place = decoder ? batch.lengths[static_cast<std::size_t>(r)] - 1 : 0;
      expect_close(features[r], expected.at("last_hidden_state")[r][place], attention + ": features");
    }
    if (decoder) {
      expect_close(model->vocabulary_logits(states).index({batch.mask}),
                   expected.at("logits").index({batch.mask}), attention + ": logits");
    }
  }

  static void check_images(const std::string& folder, const SafeTensors& expected,
                           const std::string& attention) {
    Batch batch;
    batch.x = expected.at("pixel_values");
    ModelContext context;
    context.input_shape = batch.x.sizes().slice(1).vec();
    const std::unique_ptr<IModel> model = build(folder, attention, context);
    const at::NoGradGuard no_grad;
    expect_close(model->hidden(batch), expected.at("last_hidden_state"), attention + ": last_hidden_state");
    expect_close(model->features(batch), expected.at("pooler_output").flatten(1),
                 attention + ": pooler_output");
  }
};

TEST_P(ModelGolden, AgreesWithHuggingFace) {
  const std::string& folder = GetParam().second;
  const SafeTensors expected = SafeTensors::open(folder + "/expected.safetensors");
  for (const std::string attention : {"plain", "fused", "auto"}) {
    if (expected.has("pixel_values"))
      check_images(folder, expected, attention);
    else
      check_text(folder, expected, attention);
  }
}

// Features and the gradient of every weight, with and without recomputation of the blocks.
TEST_P(ModelGolden, RecomputedBlocksGiveTheSameGradients) {
  const std::string& folder = GetParam().second;
  const SafeTensors expected = SafeTensors::open(folder + "/expected.safetensors");
  Batch batch;
  ModelContext context;
  if (expected.has("pixel_values")) {
    batch.x = expected.at("pixel_values");
    context.input_shape = batch.x.sizes().slice(1).vec();
  } else {
    batch.x = expected.at("input_ids").to(at::kLong);
    batch.mask = expected.at("attention_mask").to(at::kBool);
  }
  std::vector<std::map<std::string, Tensor>> gradients;
  for (const bool recompute : {false, true}) {
    const Spec spec{"huggingface", Table{{"path", folder}, {"checkpoint_blocks", recompute}}, {}};
    const std::unique_ptr<IModel> model = registry().make_model(spec);
    model->build(context, Stream(0, "golden"));
    for (auto& item : model->parameters().items()) item.tensor.set_requires_grad(!item.buffer);
    model->features(batch).square().sum().backward();
    std::map<std::string, Tensor>& found = gradients.emplace_back();
    for (const auto& item : model->parameters().items()) {
      if (item.tensor.grad().defined()) found[item.name] = item.tensor.grad();
    }
  }
  ASSERT_GT(gradients[0].size(), 2u);
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  for (const auto& [name, gradient] : gradients[0]) {
    const double scale = 1 + gradient.abs().max().item<double>();
    EXPECT_LE((gradient - gradients[1].at(name)).abs().max().item<double>(), kTolerance * scale) << name;
  }
}

// "bert", and where another folder has one of that name "bert_2".
std::vector<std::pair<std::string, std::string>> named_models() {
  std::vector<std::pair<std::string, std::string>> models;
  std::map<std::string, int> seen;
  for (const std::filesystem::path& folder : fixtures("models", "expected.safetensors")) {
    std::string name = folder.filename();
    std::ranges::replace_if(
        name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    const int number = ++seen[name];
    models.emplace_back(number == 1 ? name : name + "_" + std::to_string(number), folder.string());
  }
  return models;
}

INSTANTIATE_TEST_SUITE_P(Folders, ModelGolden, testing::ValuesIn(named_models()),
                         [](const auto& info) { return info.param.first; });

TEST(ModelGoldenFixtures, AreThere) { EXPECT_FALSE(named_models().empty()); }

}  // namespace
}  // namespace w2s
