// Every model folder of $W2S_FIXTURES/models against what Hugging Face transformers computed, in float32.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>

#include "plugins/registry.hpp"

namespace w2s {
namespace {

constexpr double kTolerance = 2e-5;

std::filesystem::path models_folder() {
  const char* fixtures = std::getenv("W2S_FIXTURES");
  const std::filesystem::path root = fixtures ? fixtures : W2S_SOURCE_DIR "/../shared/fixtures";
  return root / "models";
}

const Registry& registry() {
  static const Registry all = load_plugins();
  return all;
}

class ModelGolden : public testing::TestWithParam<std::string> {
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
  const std::string folder = (models_folder() / GetParam()).string();
  const SafeTensors expected = SafeTensors::open(folder + "/expected.safetensors");
  for (const std::string attention : {"plain", "fused", "auto"}) {
    if (expected.has("pixel_values"))
      check_images(folder, expected, attention);
    else
      check_text(folder, expected, attention);
  }
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  if (!std::filesystem::is_directory(models_folder())) return names;
  for (const auto& entry : std::filesystem::directory_iterator(models_folder())) {
    if (std::filesystem::exists(entry.path() / "expected.safetensors"))
      names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelGolden, testing::ValuesIn(model_names()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelGolden);

TEST(ModelGoldenFixtures, ArePresent) {
  if (model_names().empty()) GTEST_SKIP() << "no model fixtures in " << models_folder();
}

}  // namespace
}  // namespace w2s
