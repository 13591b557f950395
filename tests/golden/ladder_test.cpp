// The shipped ladder loads and knows as much as it did: its perplexity on a few glosses. Expected values:
// tools/make_ladder.py, GPT-2's formula written out in PyTorch.
#include <w2s/model.hpp>
#include <w2s/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include <w2s/json.hpp>

#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

const fs::path kLadder = fs::path(W2S_SOURCE_DIR) / "ladder";
constexpr double kBand = 0.005;  // relative: float32 on another processor or LibTorch

const Table& expected() {
  static const Value file = read_json((fs::path(W2S_SOURCE_DIR) / "tests/golden/ladder.json").string());
  return file.as_table();
}

std::unique_ptr<IModel> load(const fs::path& folder) {
  static const Registry plugins = load_plugins();
  std::unique_ptr<IModel> model = plugins.make_model({"huggingface", Table{{"path", folder.string()}}, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "test"));
  return model;
}

double perplexity(IModel& model) {
  const at::NoGradGuard no_grad;
  double sum = 0;
  std::int64_t predicted = 0;
  for (const Value& text : expected().at("texts").as_list()) {
    Tokenizer::Ids ids = model.tokenizer().encode(text.as_string(), /*add_special_tokens=*/false);
    ids.push_back(*model.tokenizer().special_id(TokenRole::eos));
    const auto length = static_cast<std::int64_t>(ids.size());
    const Tensor x = at::tensor(ids, at::kLong).unsqueeze(0);
    const Tensor log_p = model.vocabulary_logits(model.hidden({x, {}, {length}}))[0].log_softmax(1);
    for (std::int64_t t = 0; t + 1 < length; ++t)
      sum -= log_p[t][ids[static_cast<std::size_t>(t + 1)]].item<double>();
    predicted += length - 1;
  }
  return std::exp(sum / static_cast<double>(predicted));
}

TEST(Ladder, LoadsAndKnowsWhatItDid) {
  for (const auto& [name, values] : expected().at("models").as_table()) {
    const std::unique_ptr<IModel> model = load(kLadder / name);
    const double known = values.as_table().at("perplexity").as_real();
    EXPECT_EQ(model->parameters().count(), values.as_table().at("parameters").as_int()) << name;
    EXPECT_NEAR(perplexity(*model), known, kBand * known) << name;
  }
}

TEST(Ladder, HasOneTokenizerAndAReportForEachModel) {
  const std::string tokens = Tokenizer::from_folder((kLadder / "tokenizer").string())->json();
  for (const auto& [name, values] : expected().at("models").as_table()) {
    EXPECT_EQ(Tokenizer::from_folder((kLadder / name).string())->json(), tokens) << name;
    const Value report = read_json((kLadder / name / "pretraining.json").string());
    EXPECT_EQ(report.as_table().at("parameters").as_int(), values.as_table().at("parameters").as_int())
        << name;
  }
}

}  // namespace
}  // namespace w2s
