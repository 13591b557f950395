#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include <w2s/json.hpp>
#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/saves_head.hpp>
#include <w2s/tokenizer.hpp>
#include <w2s/torch_compat.hpp>

#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;
using Tensors = std::map<std::string, Tensor>;

const Registry& registry() {
  static const Registry all = load_plugins();
  return all;
}

class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = fs::temp_directory_path() /
            ("w2s-huggingface-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string str() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

Tensor random_tensor(const std::string& name, const std::vector<std::int64_t>& shape, double sd = 0.3) {
  Stream stream(7, name);
  Tensor tensor = at::empty(shape, at::kFloat);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<float>()[i] = static_cast<float>(sd * stream.normal());
  }
  return tensor;
}

struct Case {
  Table config;
  std::string prefix;  // of the family
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes;
  std::string output;  // untied output embedding
};

Tensors tensors_of(const Case& c, const std::string& prefix) {
  Tensors tensors;
  for (const auto& [name, shape] : c.shapes) tensors[prefix + name] = random_tensor(name, shape);
  if (!c.output.empty()) tensors[c.output] = random_tensor(c.output, {20, 8});
  return tensors;
}

Case gpt2() {
  Case c{Table{{"model_type", "gpt2"},
               {"n_embd", 8},
               {"n_head", 2},
               {"n_layer", 2},
               {"n_positions", 16},
               {"vocab_size", 20},
               {"eos_token_id", 19}},
         "transformer.",
         {{"wte.weight", {20, 8}}, {"wpe.weight", {16, 8}}, {"ln_f.weight", {8}}, {"ln_f.bias", {8}}},
         ""};
  for (const std::string b : {"h.0.", "h.1."}) {
    for (const auto& [name, shape] :
         std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"ln_1.weight", {8}},
                                                                        {"ln_1.bias", {8}},
                                                                        {"attn.c_attn.weight", {8, 24}},
                                                                        {"attn.c_attn.bias", {24}},
                                                                        {"attn.c_proj.weight", {8, 8}},
                                                                        {"attn.c_proj.bias", {8}},
                                                                        {"ln_2.weight", {8}},
                                                                        {"ln_2.bias", {8}},
                                                                        {"mlp.c_fc.weight", {8, 32}},
                                                                        {"mlp.c_fc.bias", {32}},
                                                                        {"mlp.c_proj.weight", {32, 8}},
                                                                        {"mlp.c_proj.bias", {8}}}) {
      c.shapes.push_back({b + name, shape});
    }
  }
  return c;
}

Case llama(const std::string& type = "llama") {
  Case c{Table{{"model_type", type},
               {"hidden_size", 8},
               {"num_attention_heads", 2},
               {"num_key_value_heads", 1},
               {"num_hidden_layers", 2},
               {"intermediate_size", 12},
               {"max_position_embeddings", 32},
               {"vocab_size", 20},
               {"rms_norm_eps", 1e-5},
               {"tie_word_embeddings", false}},
         "model.",
         {{"embed_tokens.weight", {20, 8}}, {"norm.weight", {8}}},
         "lm_head.weight"};
  for (const std::string b : {"layers.0.", "layers.1."}) {
    for (const auto& [name, shape] : std::vector<std::pair<std::string, std::vector<std::int64_t>>>{
             {"input_layernorm.weight", {8}},
             {"post_attention_layernorm.weight", {8}},
             {"self_attn.q_proj.weight", {8, 8}},
             {"self_attn.k_proj.weight", {4, 8}},
             {"self_attn.v_proj.weight", {4, 8}},
             {"self_attn.o_proj.weight", {8, 8}},
             {"mlp.gate_proj.weight", {12, 8}},
             {"mlp.up_proj.weight", {12, 8}},
             {"mlp.down_proj.weight", {8, 12}}}) {
      c.shapes.push_back({b + name, shape});
    }
  }
  return c;
}

Case mistral() {
  Case c = llama("mistral");
  c.config.set("sliding_window", 3);
  return c;
}

Case gpt_neox() {
  Case c{Table{{"model_type", "gpt_neox"},
               {"hidden_size", 8},
               {"num_attention_heads", 2},
               {"num_hidden_layers", 1},
               {"intermediate_size", 12},
               {"max_position_embeddings", 32},
               {"vocab_size", 20},
               {"rotary_pct", 0.5},
               {"rotary_emb_base", 10000},
               {"use_parallel_residual", false}},
         "gpt_neox.",
         {{"embed_in.weight", {20, 8}}, {"final_layer_norm.weight", {8}}, {"final_layer_norm.bias", {8}}},
         "embed_out.weight"};
  for (const auto& [name, shape] :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"input_layernorm", {8}},
                                                                      {"post_attention_layernorm", {8}},
                                                                      {"attention.query_key_value", {24, 8}},
                                                                      {"attention.dense", {8, 8}},
                                                                      {"mlp.dense_h_to_4h", {12, 8}},
                                                                      {"mlp.dense_4h_to_h", {8, 12}}}) {
    c.shapes.push_back({"layers.0." + name + ".weight", shape});
    c.shapes.push_back({"layers.0." + name + ".bias", {shape[0]}});
  }
  return c;
}

Case bert(const std::string& type = "bert") {
  Case c{Table{{"model_type", type},
               {"hidden_size", 8},
               {"num_attention_heads", 2},
               {"num_hidden_layers", 1},
               {"intermediate_size", 12},
               {"max_position_embeddings", 16},
               {"vocab_size", 20},
               {"type_vocab_size", 2}},
         type + ".",
         {{"embeddings.word_embeddings.weight", {20, 8}},
          {"embeddings.position_embeddings.weight", {16, 8}},
          {"embeddings.token_type_embeddings.weight", {2, 8}},
          {"embeddings.LayerNorm.weight", {8}},
          {"embeddings.LayerNorm.bias", {8}}},
         ""};
  for (const auto& [name, shape] :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"attention.self.query", {8, 8}},
                                                                      {"attention.self.key", {8, 8}},
                                                                      {"attention.self.value", {8, 8}},
                                                                      {"attention.output.dense", {8, 8}},
                                                                      {"attention.output.LayerNorm", {8}},
                                                                      {"intermediate.dense", {12, 8}},
                                                                      {"output.dense", {8, 12}},
                                                                      {"output.LayerNorm", {8}}}) {
    c.shapes.push_back({"encoder.layer.0." + name + ".weight", shape});
    c.shapes.push_back({"encoder.layer.0." + name + ".bias", {shape[0]}});
  }
  return c;
}

std::vector<Case> decoders() { return {gpt2(), llama(), mistral(), gpt_neox()}; }
std::vector<Case> text_models() { return {gpt2(), llama(), mistral(), gpt_neox(), bert(), bert("roberta")}; }
std::string type_of(const Case& c) { return c.config.at("model_type").as_string(); }

void write(const Folder& folder, const Table& config, const Tensors& tensors) {
  save_json(folder / "config.json", config);
  save_safetensors(folder / "model.safetensors", tensors);
}
void write(const Folder& folder, const Case& c) { write(folder, c.config, tensors_of(c, c.prefix)); }

std::unique_ptr<IModel> load(const std::string& path, const Table& params = {}) {
  Table all = params;
  all.set("path", path);
  std::unique_ptr<IModel> model = registry().make_model({"huggingface", all, {}});
  model->build({}, Stream(1, "test"));
  return model;
}
std::unique_ptr<IModel> load(const Folder& folder, const Table& params = {}) {
  return load(folder.str(), params);
}

Batch batch_of(const std::vector<Ids>& rows, std::int64_t fill = 0) {
  std::size_t width = 0;
  for (const Ids& row : rows) width = std::max(width, row.size());
  Batch batch;
  batch.x =
      at::full({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(width)}, fill, at::kLong);
  batch.mask = at::zeros(batch.x.sizes(), at::kBool);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t t = 0; t < rows[r].size(); ++t) {
      batch.x[static_cast<std::int64_t>(r)][static_cast<std::int64_t>(t)] = rows[r][t];
      batch.mask[static_cast<std::int64_t>(r)][static_cast<std::int64_t>(t)] = true;
    }
    batch.lengths.push_back(static_cast<std::int64_t>(rows[r].size()));
  }
  return batch;
}

Tensor features(IModel& model, const std::vector<Ids>& rows) {
  const at::NoGradGuard no_grad;
  return model.features(batch_of(rows));
}

const ISavesHead& saving(const IModel& model) { return dynamic_cast<const ISavesHead&>(model); }

double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

// Gradients of a weighted sum of the features, by name; the features under "".
Tensors gradients(IModel& model, const Batch& batch) {
  for (auto& item : model.parameters().items()) {
    if (!item.buffer) item.tensor.set_requires_grad(true);
  }
  const Tensor found = model.features(batch);
  (found * random_tensor("direction", found.sizes().vec())).sum().backward();
  Tensors all{{"", found.detach()}};
  for (const auto& item : model.parameters().items()) {
    if (item.tensor.grad().defined()) all[item.name] = item.tensor.grad();
  }
  return all;
}

const std::vector<Ids> kRows = {{3, 0, 7, 12, 5, 9}, {4, 11}, {0, 8, 2, 2}};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

void expect_message(const std::function<void()>& action, const std::vector<std::string>& parts) {
  const std::string message = message_of(action);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
}

TEST(HuggingFaceLoading, TakesNamesWithAndWithoutTheFamilysPrefix) {
  for (const Case& c : text_models()) {
    Folder with, without;
    write(with, c.config, tensors_of(c, c.prefix));
    write(without, c.config, tensors_of(c, ""));
    EXPECT_EQ(distance(features(*load(with), kRows), features(*load(without), kRows)), 0) << type_of(c);
  }
}

TEST(HuggingFaceLoading, ShardsEqualOneFile) {
  const Case c = llama();
  Folder whole, sharded;
  write(whole, c);
  Tensors first, second;
  Table map;
  for (const auto& [name, tensor] : tensors_of(c, c.prefix)) {
    const bool early = first.size() <= second.size();
    (early ? first : second)[name] = tensor;
    map.set(name, early ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors");
  }
  save_json(sharded / "config.json", c.config);
  save_json(sharded / "model.safetensors.index.json", Table{{"metadata", Table{}}, {"weight_map", map}});
  save_safetensors(sharded / "model-00001-of-00002.safetensors", first);
  save_safetensors(sharded / "model-00002-of-00002.safetensors", second);
  EXPECT_EQ(distance(features(*load(whole), kRows), features(*load(sharded), kRows)), 0);

  fs::remove(sharded / "model-00002-of-00002.safetensors");
  expect_message([&] { load(sharded); }, {"model-00002-of-00002.safetensors", "is missing"});
}

TEST(HuggingFaceLoading, WidensHalfPrecision) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const Case c = gpt2();
    Folder half, rounded;
    Tensors stored, widened;
    for (const auto& [name, tensor] : tensors_of(c, c.prefix)) {
      stored[name] = tensor.to(type);
      widened[name] = tensor.to(type).to(at::kFloat);
    }
    write(half, c.config, stored);
    write(rounded, c.config, widened);
    const auto model = load(half);
    for (const auto& item : model->parameters().items()) EXPECT_EQ(item.tensor.scalar_type(), at::kFloat);
    EXPECT_EQ(distance(features(*model, kRows), features(*load(rounded), kRows)), 0);
  }
}

TEST(HuggingFaceLoading, HoldsFrozenWeightsInTheTypeAskedFor) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    const auto wide = load(folder), half = load(folder, {{"dtype", "bfloat16"}});
    EXPECT_EQ(half->parameters().count(), 0);
    EXPECT_EQ(half->parameters().items()[0].tensor.scalar_type(), at::kBFloat16);
    const Tensor found = features(*half, kRows);
    EXPECT_EQ(found.scalar_type(), at::kFloat);
    EXPECT_LT(distance(found, features(*wide, kRows)), 0.15) << type_of(c);
  }
}

TEST(HuggingFaceLoading, LeavesOutTensorsOfHeadsAndBuffers) {
  const std::vector<std::pair<Case, std::vector<std::string>>> cases = {
      {gpt2(), {"transformer.h.0.attn.bias", "h.1.attn.masked_bias", "lm_head.weight", "score.weight"}},
      {llama(), {"model.layers.0.self_attn.rotary_emb.inv_freq", "score.weight"}},
      {gpt_neox(), {"gpt_neox.layers.0.attention.bias", "gpt_neox.layers.0.attention.rotary_emb.inv_freq"}},
      {bert(),
       {"bert.embeddings.position_ids", "bert.pooler.dense.weight", "cls.predictions.bias",
        "classifier.weight"}},
      {bert("roberta"),
       {"roberta.embeddings.position_ids", "lm_head.dense.weight", "classifier.dense.weight"}}};
  for (const auto& [c, extras] : cases) {
    Folder plain, extended;
    write(plain, c);
    Tensors tensors = tensors_of(c, c.prefix);
    for (const std::string& name : extras) tensors[name] = at::ones({3});
    write(extended, c.config, tensors);
    EXPECT_EQ(distance(features(*load(plain), kRows), features(*load(extended), kRows)), 0) << type_of(c);
  }
}

TEST(HuggingFaceLoading, TakesGammaAndBetaForWeightAndBias) {
  const Case c = bert();
  Folder modern, old;
  write(modern, c);
  Tensors tensors;
  for (const auto& [name, tensor] : tensors_of(c, c.prefix)) {
    const std::size_t norm = name.find("LayerNorm.");
    const std::string old_end = name.ends_with("weight") ? "gamma" : "beta";
    tensors[norm == std::string::npos ? name : name.substr(0, norm + 10) + old_end] = tensor;
  }
  write(old, c.config, tensors);
  EXPECT_EQ(distance(features(*load(modern), kRows), features(*load(old), kRows)), 0);
}

TEST(HuggingFaceErrors, NameTheTensorAndWhatWasExpected) {
  const Case c = gpt2();
  Folder folder;
  const Tensors good = tensors_of(c, c.prefix);

  Tensors missing = good;
  missing.erase("transformer.h.1.ln_1.weight");
  write(folder, c.config, missing);
  expect_message([&] { load(folder); },
                 {"model.safetensors", "'transformer.h.1.ln_1.weight' [8]", "is missing"});

  Tensors unexpected = good;
  unexpected["transformer.h.2.ln_1.weight"] = at::ones({8});
  write(folder, c.config, unexpected);
  expect_message([&] { load(folder); }, {"unexpected tensor 'transformer.h.2.ln_1.weight' [8]"});

  Tensors reshaped = good;
  reshaped["transformer.wpe.weight"] = at::ones({15, 8});
  write(folder, c.config, reshaped);
  expect_message([&] { load(folder); }, {"'transformer.wpe.weight' has shape [15, 8], expected [16, 8]"});

  Tensors integers = good;
  integers["transformer.ln_f.bias"] = at::ones({8}, at::kChar);
  write(folder, c.config, integers);
  expect_message([&] { load(folder); }, {"'transformer.ln_f.bias' holds Char", "floating"});

  Tensors twice = good;
  twice["ln_f.bias"] = at::ones({8});
  write(folder, c.config, twice);
  expect_message([&] { load(folder); }, {"'transformer.ln_f.bias'", "'ln_f.bias'", "twice"});

  write(folder, c);
  fs::resize_file(folder / "model.safetensors", fs::file_size(folder / "model.safetensors") - 5);
  expect_message([&] { load(folder); }, {"model.safetensors"});
}

TEST(HuggingFaceErrors, NameTheFieldOfTheConfiguration) {
  Folder folder;
  const auto with = [&](const std::string& key, const Value& value, std::vector<std::string> parts) {
    Case c = llama();
    c.config.set(key, value);
    write(folder, c);
    expect_message([&] { load(folder); }, parts);
  };
  with("model_type", "lama", {"config.json", "unknown model_type 'lama'", "did you mean 'llama'?"});
  with("hidden_size", -8, {"config.json", "'hidden_size' = -8", "positive integer"});
  with("hidden_size", "eight", {"'hidden_size' = \"eight\"", "positive integer"});
  with("num_attention_heads", 3, {"does not divide into 3 heads"});
  with("hidden_act", "gelo", {"unknown activation 'gelo'", "did you mean 'gelu'?"});
  with("rope_scaling", Table{{"type", "yarn"}, {"factor", 2.0}}, {"rope scaling 'yarn' is not supported"});
  with("num_hidden_layers", 1000000000, {"at most 4096 layers"});
  with("vocab_size", Value(), {"'vocab_size' is missing"});

  Folder empty;
  expect_message([&] { load(empty); }, {"config.json is missing"});
  save_json(empty / "config.json", llama().config);
  expect_message([&] { load(empty); }, {"expected model.safetensors"});
  expect_message([&] { load(empty / "nowhere"); }, {"no such model folder"});
}

TEST(HuggingFaceErrors, RefuseALayerOrContextThatIsNotThere) {
  Folder folder;
  write(folder, gpt2());
  expect_message([&] { load(folder, {{"layer", 3}}); }, {"layer = 3", "has 2 layers"});
  expect_message([&] { load(folder, {{"context", 17}}); }, {"context = 17", "has 16 positions"});
}

TEST(HuggingFaceForward, PaddingDoesNotChangeARow) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    for (const char* attention : {"plain", "fused", "auto"}) {
      const auto model = load(folder, {{"attention", attention}});
      const at::NoGradGuard no_grad;
      for (const std::int64_t fill : {0, 13}) {
        const Tensor together = model->features(batch_of(kRows, fill));
        for (std::size_t r = 0; r < kRows.size(); ++r) {
          const Tensor alone = model->features(batch_of({kRows[r]}))[0];
          EXPECT_LT(distance(together[static_cast<std::int64_t>(r)], alone), 2e-6)
              << type_of(c) << ' ' << attention;
        }
      }
    }
  }
}

TEST(HuggingFaceForward, TokenZeroIsAToken) {
  for (const Case& c : {gpt2(), llama(), bert()}) {
    Folder folder;
    write(folder, c);
    const auto model = load(folder);
    EXPECT_GT(distance(features(*model, {{5, 0}}), features(*model, {{5}})), 1e-3) << type_of(c);
  }
}

TEST(HuggingFaceForward, FusedPlainAndPackedAttentionHaveEqualGradients) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    std::vector<std::vector<Tensor>> gradients;
    for (const char* attention : {"plain", "fused", "auto"}) {
      const auto model = load(folder, {{"attention", attention}});
      EXPECT_EQ(model->packs(), attention == std::string("auto"));
      std::vector<Tensor> weights;
      for (const auto& item : model->parameters().items()) weights.push_back(item.tensor);
      model->features(batch_of(kRows)).square().sum().backward();
      gradients.emplace_back();
      for (const Tensor& weight : weights) {
        gradients.back().push_back(weight.grad().defined() ? weight.grad() : at::zeros_like(weight));
      }
    }
    for (std::size_t i = 0; i < gradients[0].size(); ++i) {
      EXPECT_LT(distance(gradients[0][i], gradients[1][i]), 1e-4) << type_of(c) << " tensor " << i;
      EXPECT_LT(distance(gradients[0][i], gradients[2][i]), 1e-4) << type_of(c) << " tensor " << i;
    }
  }
}

// Lengths around the blocks and vectors that packed attention works in; heads of 4 and of 20 numbers.
TEST(HuggingFaceForward, PackedAttentionEqualsTheFormulaAtAllLengths) {
  std::vector<Ids> rows;
  Stream stream(3, "rows");
  for (const std::size_t length : {1, 15, 16, 17, 23, 24, 25, 33, 70, 2}) {
    rows.emplace_back();
    for (std::size_t i = 0; i < length; ++i)
      rows.back().push_back(static_cast<std::int32_t>(stream.permutation(20)[0]));
  }
  for (const std::int64_t window : {0, 1, 3, 20}) {
    Case c = mistral();
    c.config.set("max_position_embeddings", 128);
    c.config.set("head_dim", 20);
    c.config.set("sliding_window", window > 0 ? Value(window) : Value());
    for (auto& [name, shape] : c.shapes) {
      if (name.ends_with("q_proj.weight")) shape = {40, 8};
      if (name.ends_with("k_proj.weight") || name.ends_with("v_proj.weight")) shape = {20, 8};
      if (name.ends_with("o_proj.weight")) shape = {8, 40};
    }
    Folder folder;
    write(folder, c);
    const Tensors formula = gradients(*load(folder, {{"attention", "plain"}}), batch_of(rows));
    const Tensors packed = gradients(*load(folder), batch_of(rows));
    ASSERT_EQ(packed.size(), formula.size());
    for (const auto& [name, tensor] : formula) {
      EXPECT_LT(distance(packed.at(name), tensor), 2e-5 * (1 + tensor.abs().max().item<double>()))
          << name << " with a window of " << window;
    }
  }
  Folder folder;
  Case c = bert();
  c.config.set("max_position_embeddings", 128);
  c.shapes[1].second = {128, 8};
  write(folder, c);
  const Tensors formula = gradients(*load(folder, {{"attention", "plain"}}), batch_of(rows));
  const Tensors packed = gradients(*load(folder), batch_of(rows));
  for (const auto& [name, tensor] : formula) {
    EXPECT_LT(distance(packed.at(name), tensor), 2e-5 * (1 + tensor.abs().max().item<double>())) << name;
  }
}

TEST(HuggingFaceForward, PackedStatesComePaddedWithZeros) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    const Batch batch = batch_of(kRows);
    const at::NoGradGuard no_grad;
    const Tensor padded = load(folder, {{"attention", "plain"}})->hidden(batch),
                 packed = load(folder)->hidden(batch);
    EXPECT_LT(distance(packed.index({batch.mask}), padded.index({batch.mask})), 2e-6) << type_of(c);
    EXPECT_EQ(packed.index({batch.mask.logical_not()}).abs().max().item<double>(), 0) << type_of(c);
  }
}

TEST(HuggingFaceForward, PackedAttentionRefusesSecondDerivatives) {
  Folder folder;
  write(folder, gpt2());
  const auto model = load(folder);
  Tensor bias = model->parameters()["transformer.h.0.ln_1.bias"];
  bias.set_requires_grad(true);
  const Tensor features = model->features(batch_of(kRows));
  expect_message(
      [&] {
        torch::autograd::grad({features.square().sum()}, {bias}, {}, /*retain_graph=*/true,
                              /*create_graph=*/true);
      },
      {"second derivatives", "attention = \"plain\""});
}

TEST(HuggingFaceForward, ASlidingWindowHidesOlderTokens) {
  Case c = mistral();
  c.config.set("num_hidden_layers", 1);
  std::erase_if(c.shapes, [](const auto& shape) { return shape.first.starts_with("layers.1."); });
  Folder folder;
  write(folder, c);
  for (const char* attention : {"plain", "fused", "auto"}) {
    const auto model = load(folder, {{"attention", attention}});
    const Tensor base = features(*model, {{1, 2, 3, 4, 5}});
    EXPECT_LT(distance(base, features(*model, {{9, 8, 3, 4, 5}})), 1e-6) << "outside the last 3 tokens";
    EXPECT_GT(distance(base, features(*model, {{1, 2, 9, 4, 5}})), 1e-4) << "within the last 3 tokens";
  }
}

TEST(HuggingFaceForward, OldAndNewRotarySettingsAgree) {
  const auto with = [](const std::vector<std::pair<std::string, Value>>& settings) {
    Case c = llama();
    for (const auto& [key, value] : settings) c.config.set(key, value);
    Folder folder;
    write(folder, c);
    return features(*load(folder), kRows);
  };
  const Tensor plain = with({});
  const Tensor theta = with({{"rope_theta", 500.0}});
  EXPECT_GT(distance(plain, theta), 1e-4);
  EXPECT_EQ(
      distance(theta, with({{"rope_parameters", Table{{"rope_theta", 500.0}, {"rope_type", "default"}}}})),
      0);

  const Tensor linear = with({{"rope_scaling", Table{{"type", "linear"}, {"factor", 4.0}}}});
  EXPECT_GT(distance(plain, linear), 1e-4);
  EXPECT_EQ(
      distance(linear, with({{"rope_parameters",
                              Table{{"rope_theta", 10000.0}, {"rope_type", "linear"}, {"factor", 4.0}}}})),
      0);

  const auto llama3 = [&](std::int64_t context) {
    return with({{"rope_scaling", Table{{"rope_type", "llama3"},
                                        {"factor", 4.0},
                                        {"low_freq_factor", 1.0},
                                        {"high_freq_factor", 4.0},
                                        {"original_max_position_embeddings", context}}}});
  };
  EXPECT_EQ(distance(llama3(100000000), plain), 0) << "all wavelengths are short: none is stretched";
  EXPECT_LT(distance(llama3(1), linear), 1e-6) << "all wavelengths are long: all are stretched";
}

TEST(HuggingFaceForward, LayersAreThoseOfHuggingFacesHiddenStates) {
  Folder folder;
  write(folder, gpt2());
  const auto last = load(folder), second = load(folder, {{"layer", 2}}), none = load(folder, {{"layer", 0}});
  EXPECT_EQ(distance(features(*last, kRows), features(*second, kRows)), 0);
  const Tensor expected =
      last->parameters()["transformer.wte.weight"][11] + last->parameters()["transformer.wpe.weight"][1];
  EXPECT_LT(distance(features(*none, kRows)[1], expected.detach()), 1e-7);
  EXPECT_GT(distance(features(*last, kRows), features(*load(folder, {{"layer", 1}}), kRows)), 1e-3);
}

Case dinov2() {
  Case c{Table{{"model_type", "dinov2"},
               {"hidden_size", 8},
               {"num_attention_heads", 2},
               {"num_hidden_layers", 1},
               {"image_size", 8},
               {"patch_size", 4},
               {"mlp_ratio", 3},
               {"use_swiglu_ffn", true}},
         "dinov2.",
         {{"embeddings.cls_token", {1, 1, 8}},
          {"embeddings.position_embeddings", {1, 5, 8}},
          {"embeddings.patch_embeddings.projection.weight", {8, 3, 4, 4}},
          {"embeddings.patch_embeddings.projection.bias", {8}},
          {"encoder.layer.0.layer_scale1.lambda1", {8}},
          {"encoder.layer.0.layer_scale2.lambda1", {8}}},
         ""};
  for (const auto& [name, shape] : std::vector<std::pair<std::string, std::vector<std::int64_t>>>{
           {"layernorm", {8}},
           {"encoder.layer.0.norm1", {8}},
           {"encoder.layer.0.norm2", {8}},
           {"encoder.layer.0.attention.attention.query", {8, 8}},
           {"encoder.layer.0.attention.attention.key", {8, 8}},
           {"encoder.layer.0.attention.attention.value", {8, 8}},
           {"encoder.layer.0.attention.output.dense", {8, 8}},
           {"encoder.layer.0.mlp.weights_in", {32, 8}},
           {"encoder.layer.0.mlp.weights_out", {8, 16}}}) {
    c.shapes.push_back({name + ".weight", shape});
    c.shapes.push_back({name + ".bias", {shape[0]}});
  }
  return c;
}

TEST(HuggingFaceForward, ImagesOfAnotherSizeInterpolateThePositions) {
  Case c = dinov2();
  Tensors tensors = tensors_of(c, c.prefix);
  Tensor& positions = tensors["dinov2.embeddings.position_embeddings"];
  positions.copy_(positions.select(1, 1).unsqueeze(1).expand(positions.sizes()).clone());
  const std::string projection = "dinov2.embeddings.patch_embeddings.projection.";
  tensors["dinov2.embeddings.cls_token"] =
      (tensors[projection + "weight"].sum({1, 2, 3}) + tensors[projection + "bias"]).view({1, 1, 8});
  Folder folder;
  write(folder, c.config, tensors);
  const auto built = [&](std::int64_t height, std::int64_t width) {
    auto model = registry().make_model({"huggingface", Table{{"path", folder.str()}}, {}});
    ModelContext context;
    context.input_shape = {3, height, width};
    model->build(context, Stream(1, "test"));
    return model;
  };
  const at::NoGradGuard no_grad;
  Batch small, large;
  small.x = at::ones({2, 3, 8, 8});
  large.x = at::ones({2, 3, 12, 20});
  const Tensor expected = built(8, 8)->features(small), found = built(12, 20)->features(large);
  ASSERT_EQ(found.sizes(), (std::vector<std::int64_t>{2, 8}));
  EXPECT_LT(distance(found, expected), 1e-5) << "all tokens are equal: more of them change nothing";
  expect_message([&] { built(2, 2); }, {"takes images [3, height, width] of at least 4 pixels"});
}

TEST(HuggingFaceForward, NumbersItsBlocksFromTheInput) {
  Folder folder;
  write(folder, llama());
  const auto model = load(folder);
  EXPECT_EQ(model->depth(), 2);
  EXPECT_EQ(model->feature_size(), 8);
  EXPECT_EQ(model->block_of("model.embed_tokens.weight"), -1);
  EXPECT_EQ(model->block_of("model.layers.1.mlp.up_proj.weight"), 1);
  EXPECT_EQ(model->block_of("model.layers.0.self_attn.q_proj.lora_a"), 0);
  EXPECT_EQ(model->block_of("model.norm.weight"), 2);
  EXPECT_EQ(model->block_of("lm_head.weight"), 2);
}

TEST(HuggingFaceGeneration, TheCacheDoesNotChangeTheTokens) {
  for (const Case& c : decoders()) {
    Folder folder;
    write(folder, c);
    for (const char* attention : {"plain", "fused"}) {
      const auto model = load(folder, {{"attention", attention}});
      GenerateOptions options;
      options.max_tokens = 7;
      options.stop = {-1};
      const std::vector<Ids> prompts = {{3, 0, 7, 12, 5}, {4}, {0, 8}};
      const std::vector<Ids> found = model->generate(prompts, options);
      const at::NoGradGuard no_grad;
      for (std::size_t r = 0; r < prompts.size(); ++r) {
        Ids row = prompts[r];
        for (std::int64_t step = 0; step < options.max_tokens; ++step) {
          const Tensor states = model->hidden(batch_of({row}));
          const Tensor logits = model->vocabulary_logits(states.select(1, states.size(1) - 1));
          row.push_back(static_cast<std::int32_t>(logits[0].argmax().item<std::int64_t>()));
        }
        EXPECT_EQ(found[r], Ids(row.begin() + static_cast<std::ptrdiff_t>(prompts[r].size()), row.end()))
            << type_of(c) << ' ' << attention;
      }
    }
  }
}

TEST(HuggingFaceGeneration, SamplesDependOnTheSeedButNotOnTheBatch) {
  Folder folder;
  write(folder, gpt2());
  const auto model = load(folder);
  GenerateOptions options;
  options.max_tokens = 6;
  options.temperature = 1.5;
  options.stop = {-1};
  const std::vector<Ids> prompts = {{1, 2, 3}, {1, 2, 3}, {4}, {5, 6}};
  const std::vector<Ids> first = model->generate(prompts, options);
  EXPECT_EQ(first, model->generate(prompts, options));
  EXPECT_NE(first[0], first[1]);
  options.batch = 1;
  EXPECT_EQ(first, model->generate(prompts, options));
  options.seed = 1;
  EXPECT_NE(first, model->generate(prompts, options));

  options.top_p = 1e-6;
  GenerateOptions greedy;
  greedy.max_tokens = 6;
  greedy.stop = {-1};
  EXPECT_EQ(model->generate(prompts, options), model->generate(prompts, greedy));
}

TEST(HuggingFaceGeneration, EndsAtAStopToken) {
  Folder folder;
  write(folder, gpt2());
  const auto model = load(folder);
  GenerateOptions options;
  options.max_tokens = 6;
  options.stop = {-1};
  const Ids all = model->generate({{1, 2, 3}}, options)[0];
  options.stop = {all[2]};
  const auto end = std::find(all.begin(), all.end(), all[2]);
  EXPECT_EQ(model->generate({{1, 2, 3}}, options)[0], Ids(all.begin(), end));

  options.max_tokens = 16;
  expect_message([&] { model->generate({{1}}, options); }, {"max_tokens = 16", "context of 16"});
  options.max_tokens = 2;
  expect_message([&] { model->generate({{}}, options); }, {"prompt 0 is empty"});
}

std::size_t graph_size(const Tensor& tensor) {
  std::set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> open{tensor.grad_fn().get()};
  while (!open.empty()) {
    torch::autograd::Node* node = open.back();
    open.pop_back();
    if (!seen.insert(node).second) continue;
    for (const auto& edge : node->next_edges()) {
      if (edge.function) open.push_back(edge.function.get());
    }
  }
  return seen.size();
}

TEST(HuggingFaceCheckpointing, RecomputedBlocksGiveTheSameFeaturesAndGradients) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    for (const Table& lora : {Table{}, Table{{"rank", 2}}}) {
      const Tensors kept = gradients(*load(folder, {{"lora", lora}}), batch_of(kRows));
      const Tensors recomputed =
          gradients(*load(folder, {{"lora", lora}, {"checkpoint_blocks", true}}), batch_of(kRows));
      ASSERT_EQ(kept.size(), recomputed.size()) << type_of(c);
      for (const auto& [name, tensor] : kept) {
        EXPECT_LT(distance(tensor, recomputed.at(name)), 1e-6 * (1 + tensor.abs().max().item<double>()))
            << type_of(c) << ' ' << name;
      }
    }
  }
}

TEST(HuggingFaceCheckpointing, KeepsNothingOfABlockButItsInput) {
  for (const Case& c : decoders()) {
    Folder folder;
    write(folder, c);
    const auto kept = load(folder), recomputed = load(folder, {{"checkpoint_blocks", true}});
    for (const auto& model : {kept.get(), recomputed.get()}) {
      for (auto& item : model->parameters().items()) item.tensor.set_requires_grad(true);
    }
    const Tensor inside = kept->hidden(batch_of(kRows)), outside = recomputed->hidden(batch_of(kRows));
    const auto depth = static_cast<std::size_t>(kept->depth());
    // A weight is a node of its own; a block is one more, and so are a few steps before and after the blocks.
    EXPECT_LT(graph_size(outside), recomputed->parameters().items().size() + depth + 10) << type_of(c);
    EXPECT_GT(graph_size(inside), graph_size(outside) + 10 * depth) << type_of(c);
  }
}

TEST(HuggingFaceCheckpointing, FrozenBlocksPassGradientsOn) {
  Folder folder;
  write(folder, gpt2());
  const auto gradient_of = [&](bool checkpoint, const std::string& trained) {
    const auto model = load(folder, {{"checkpoint_blocks", checkpoint}});
    for (auto& item : model->parameters().items()) item.tensor.set_requires_grad(item.name == trained);
    model->features(batch_of(kRows)).square().sum().backward();
    return model->parameters()[trained].grad();
  };
  for (const std::string trained : {"transformer.wpe.weight", "transformer.h.1.ln_2.bias"}) {
    EXPECT_LT(distance(gradient_of(true, trained), gradient_of(false, trained)), 1e-5) << trained;
  }
}

TEST(HuggingFaceCheckpointing, RefusesSecondDerivatives) {
  Folder folder;
  write(folder, gpt2());
  const auto model = load(folder, {{"checkpoint_blocks", true}});
  Tensor bias = model->parameters()["transformer.h.0.ln_1.bias"];
  bias.set_requires_grad(true);
  const Tensor features = model->features(batch_of(kRows));
  expect_message(
      [&] {
        torch::autograd::grad({features.square().sum()}, {bias}, {}, /*retain_graph=*/true,
                              /*create_graph=*/true);
      },
      {"second derivatives", "checkpoint_blocks"});
}

TEST(HuggingFacePrecision, MixedPrecisionIsCloseAndGivesFloat32Gradients) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    const Tensors wide = gradients(*load(folder), batch_of(kRows));
    for (const bool checkpoint : {false, true}) {
      Tensors half;
      {
        const auto model = load(folder, {{"checkpoint_blocks", checkpoint}});
        for (auto& item : model->parameters().items()) item.tensor.set_requires_grad(true);
        Tensor found;
        {
          const compat::Autocast precision(at::kCPU, at::kBFloat16);
          found = model->features(batch_of(kRows)).to(at::kFloat);
        }
        EXPECT_EQ(compat::Autocast::current(at::kCPU), at::kFloat);
        (found * random_tensor("direction", found.sizes().vec())).sum().backward();
        half[""] = found.detach();
        for (const auto& item : model->parameters().items()) {
          if (item.tensor.grad().defined()) half[item.name] = item.tensor.grad();
        }
      }
      EXPECT_GT(distance(half.at(""), wide.at("")), 1e-6) << type_of(c) << ": bfloat16 has 8 bits";
      ASSERT_EQ(half.size(), wide.size()) << type_of(c);
      for (const auto& [name, tensor] : wide) {
        EXPECT_EQ(half.at(name).scalar_type(), at::kFloat) << name;
        const double scale = tensor.norm().item<double>();
        EXPECT_LT((half.at(name) - tensor).norm().item<double>(), 0.1 * scale + 1e-3)
            << type_of(c) << ' ' << name;
      }
    }
  }
}

TEST(HuggingFaceLora, TrainsTheUpdatesAloneAndStartsAtTheCheckpoint) {
  for (const Case& c : text_models()) {
    Folder folder;
    write(folder, c);
    const auto plain = load(folder), lora = load(folder, {{"lora", Table{{"rank", 2}}}});
    EXPECT_EQ(distance(features(*plain, kRows), features(*lora, kRows)), 0) << type_of(c);
    std::int64_t updates = 0;
    for (const auto& item : lora->parameters().items()) {
      const bool update = item.name.ends_with(".lora_a") || item.name.ends_with(".lora_b");
      EXPECT_EQ(item.buffer, !update) << item.name;
      updates += update;
    }
    EXPECT_GT(updates, 0) << type_of(c);
  }
}

TEST(HuggingFaceLora, MergesIntoTheSavedModel) {
  for (const Case& c : text_models()) {
    Folder folder, merged;
    write(folder, c);
    const auto lora = load(folder, {{"lora", Table{{"rank", 2}, {"alpha", 3.0}}}});
    for (auto& item : lora->parameters().items()) {
      if (item.name.ends_with(".lora_b"))
        lora->parameters().assign(item.name, random_tensor(item.name, item.tensor.sizes().vec()));
    }
    lora->save(merged.str());
    const Tensor adapted = features(*lora, kRows);
    EXPECT_GT(distance(adapted, features(*load(folder), kRows)), 1e-2) << type_of(c);
    EXPECT_LT(distance(adapted, features(*load(merged), kRows)), 1e-5) << type_of(c);
  }
}

TEST(HuggingFaceLora, NamesItsTargets) {
  Folder folder;
  write(folder, llama());
  const auto model = load(folder, {{"lora", Table{{"targets", List{"q_proj", "v_proj"}}}}});
  EXPECT_TRUE(model->parameters().has("model.layers.1.self_attn.q_proj.lora_a"));
  EXPECT_FALSE(model->parameters().has("model.layers.1.self_attn.k_proj.lora_a"));
  expect_message(
      [&] {
        load(folder, {{"lora", Table{{"targets", List{"q_prj"}}}}});
      },
      {"no linear map 'q_prj'", "did you mean 'q_proj'?"});
  expect_message([&] { load(folder, {{"lora", Table{{"ranks", 4}}}}); }, {"ranks", "did you mean 'rank'?"});
}

TEST(HuggingFaceSaving, WritesTheTensorsThatItRead) {
  for (const Case& c : text_models()) {
    Folder folder, copy;
    write(folder, c);
    load(folder)->save(copy.str());
    const SafeTensors before = SafeTensors::open(folder / "model.safetensors");
    const SafeTensors after = SafeTensors::open(copy / "model.safetensors");
    EXPECT_EQ(before.names().size(), after.names().size());
    for (const std::string& name : after.names()) {
      const bool encoder = type_of(c) == "bert" || type_of(c) == "roberta";
      EXPECT_TRUE(at::equal(after.at(name), before.at(encoder ? c.prefix + name : name))) << name;
    }
    EXPECT_EQ(after.metadata().at("format"), "pt");
    EXPECT_EQ(read_json(copy / "config.json").as_table().at("dtype").as_string(), "float32");
    EXPECT_EQ(distance(features(*load(folder), kRows), features(*load(copy), kRows)), 0);
  }
}

TEST(HuggingFaceSaving, PutsAHeadWhereTheFamilyHasIt) {
  const std::map<std::string, std::string> architectures = {
      {"gpt2", "GPT2ForSequenceClassification"},   {"gpt_neox", "GPTNeoXForSequenceClassification"},
      {"llama", "LlamaForSequenceClassification"}, {"mistral", "MistralForSequenceClassification"},
      {"qwen2", "Qwen2ForSequenceClassification"}, {"qwen3", "Qwen3ForSequenceClassification"}};
  const LinearHead head{random_tensor("head", {3, 8}), random_tensor("bias", {3})};
  for (const Case& c : text_models()) {
    Folder folder, exported;
    write(folder, c);
    const auto architecture = architectures.find(type_of(c));
    const std::string module = saving(*load(folder)).save_with_head(exported.str(), head);
    EXPECT_EQ(module, architecture == architectures.end() ? "classifier" : "score") << type_of(c);
    const SafeTensors file = SafeTensors::open(exported / "model.safetensors");
    EXPECT_TRUE(at::equal(file.at(module + ".weight"), head.weight)) << type_of(c);
    EXPECT_TRUE(at::equal(file.at(module + ".bias"), head.bias)) << type_of(c);
    const Table config = read_json(exported / "config.json").as_table();
    EXPECT_EQ(config.at("id2label").as_table().size(), 3u);
    if (architecture != architectures.end()) {
      EXPECT_EQ(config.at("architectures"), Value(List{architecture->second})) << type_of(c);
    }
    EXPECT_EQ(distance(features(*load(folder), kRows), features(*load(exported), kRows)), 0) << type_of(c);
  }
}

TEST(HuggingFaceSaving, APaddingTokenIsTheEndOfTextWhereThereIsNone) {
  Folder folder, exported;
  write(folder, gpt2());
  saving(*load(folder)).save_with_head(exported.str(), {random_tensor("head", {2, 8}), {}});
  EXPECT_EQ(read_json(exported / "config.json").as_table().at("pad_token_id"), Value(19));
  EXPECT_FALSE(SafeTensors::open(exported / "model.safetensors").has("score.bias"));
}

TEST(HuggingFaceSaving, DigestFollowsTheWeights) {
  Folder folder;
  write(folder, gpt2());
  const std::string before = load(folder)->source_digest();
  EXPECT_EQ(before, load(folder)->source_digest());
  Tensors tensors = tensors_of(gpt2(), "transformer.");
  tensors["transformer.ln_f.bias"][0] += 1;
  write(folder, gpt2().config, tensors);
  EXPECT_NE(before, load(folder)->source_digest());
}

TEST(HuggingFaceSaving, UnchangedFilesAreNotReadAgain) {
  Folder folder;
  write(folder, gpt2());
  const std::string weights = folder / "model.safetensors";
  const auto past = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(weights, past);
  const std::string before = load(folder)->source_digest();
  {
    std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x41');
  }
  fs::last_write_time(weights, past);
  EXPECT_EQ(before, load(folder)->source_digest()) << "nothing tells that the file is another";
  fs::last_write_time(weights, past + std::chrono::seconds(1));
  EXPECT_NE(before, load(folder)->source_digest());
}

std::unique_ptr<IModel> gpt(const Table& params, std::uint64_t seed = 1) {
  std::unique_ptr<IModel> model = registry().make_model({"gpt", params, {}});
  model->build({}, Stream(seed, "test"));
  return model;
}

TEST(Gpt, StartsLikeGpt2) {
  const Table params{{"layers", 8}, {"width", 64}, {"heads", 4}, {"positions", 32}, {"vocabulary", 100}};
  const auto model = gpt(params);
  const auto sd = [&](const std::string& name) { return model->parameters()[name].std().item<double>(); };
  EXPECT_NEAR(sd("transformer.wte.weight"), 0.02, 0.001);
  EXPECT_NEAR(sd("transformer.h.3.attn.c_attn.weight"), 0.02, 0.001);
  EXPECT_NEAR(sd("transformer.h.3.mlp.c_proj.weight"), 0.02 / 4, 0.0003);
  EXPECT_EQ(model->parameters()["transformer.h.0.mlp.c_fc.bias"].abs().max().item<double>(), 0);
  EXPECT_EQ(model->parameters()["transformer.ln_f.weight"].min().item<double>(), 1);
  EXPECT_EQ(distance(features(*model, kRows), features(*gpt(params), kRows)), 0);
  EXPECT_GT(distance(features(*model, kRows), features(*gpt(params, 2), kRows)), 1e-3);
  EXPECT_FALSE(model->pretrained());
}

TEST(Gpt, SavesAHuggingFaceFolder) {
  const auto model = gpt({{"layers", 2}, {"width", 16}, {"heads", 2}, {"positions", 32}, {"vocabulary", 20}});
  Folder folder;
  model->save(folder.str());
  EXPECT_EQ(read_json(folder / "config.json").as_table().at("model_type").as_string(), "gpt2");
  EXPECT_EQ(distance(features(*model, kRows), features(*load(folder), kRows)), 0);
}

TEST(Gpt, NeedsAVocabularyAndHeadsThatFit) {
  expect_message([] { gpt({}); }, {"'tokenizer' or 'vocabulary'"});
  expect_message([] { gpt({{"vocabulary", 10}, {"width", 10}, {"heads", 4}}); }, {"width of 10", "4 heads"});
}

class Encoding : public testing::Test {
 protected:
  Encoding() {
    BpeTraining training;
    training.vocab_size = 257;
    tokenizer_ = train_bpe(std::vector<std::string>{"a"}, training);
    tokenizer_->save(folder_ / "tokenizer.json");
    end_ = *tokenizer_->token_to_id("<|endoftext|>");
  }
  std::unique_ptr<IModel> model(std::int64_t context) const {
    return gpt(
        {{"layers", 1}, {"width", 4}, {"heads", 1}, {"tokenizer", folder_.str()}, {"context", context}});
  }
  static Examples examples(std::vector<std::string> text, std::vector<std::string> second = {}) {
    Columns columns;
    for (std::size_t i = 0; i < text.size(); ++i) columns.ids.push_back("train/" + std::to_string(i));
    columns.labels = at::zeros({static_cast<std::int64_t>(text.size())}, at::kLong);
    columns.text = std::move(text);
    columns.second = std::move(second);
    return Examples(std::move(columns));
  }
  Ids row(const Encoded& encoded, std::size_t i) const {
    return Ids(encoded.tokens.begin() + encoded.offsets[i], encoded.tokens.begin() + encoded.offsets[i + 1]);
  }
  Ids ids(const std::string& text, bool ended = false) const {
    Ids tokens = tokenizer_->encode(text, false);
    if (ended) tokens.push_back(end_);
    return tokens;
  }

  Folder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::int32_t end_ = 0;
};

TEST_F(Encoding, KeepsTheEndOfLongTexts) {
  const Encoded encoded = model(4)->encode(examples({"abcdefg", "xy", ""}), TaskKind::classification);
  EXPECT_EQ(encoded.parts, 1);
  EXPECT_EQ(row(encoded, 0), ids("defg"));
  EXPECT_EQ(row(encoded, 1), ids("xy"));
  EXPECT_EQ(row(encoded, 2), Ids{end_}) << "a row is never empty";
}

TEST_F(Encoding, PairsAreTwoRows) {
  const Encoded encoded = model(8)->encode(examples({"a", "c"}, {"bb", "dd"}), TaskKind::preference);
  EXPECT_EQ(encoded.parts, 2);
  EXPECT_EQ(encoded.rows(), 4);
  EXPECT_EQ(row(encoded, 1), ids("bb"));
  EXPECT_EQ(row(encoded, 2), ids("c"));
}

TEST_F(Encoding, AnswersAreKeptWholeAndEnded) {
  const auto small = model(6);
  const Encoded encoded =
      small->encode(examples({"abcdef", "a", ""}, {"xyz", "x", "x"}), TaskKind::generation);
  EXPECT_EQ(row(encoded, 0), ids("efxyz", true));
  EXPECT_EQ(row(encoded, 1), ids("ax", true));
  EXPECT_EQ(encoded.answers, (std::vector<std::int64_t>{2, 1, 1}));
  expect_message([&] { small->encode(examples({"a"}, {"vwxyz"}), TaskKind::generation); },
                 {"example 'train/0'", "answer of 6 tokens", "context of 6"});
}

TEST_F(Encoding, OfOtherRowsContextsAndKindsAreKeptApart) {
  const Examples rows = examples({"abcdefg", "xy"}, {"p", "q"}),
                 others = examples({"abcdefG", "xy"}, {"p", "q"});
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(row(model(4)->encode(rows, TaskKind::classification), 0), ids("defg"));
    EXPECT_EQ(row(model(3)->encode(rows, TaskKind::classification), 0), ids("efg"));
    EXPECT_EQ(row(model(4)->encode(others, TaskKind::classification), 0), ids("defG"));
    EXPECT_EQ(model(4)->encode(rows, TaskKind::preference).parts, 2);
    EXPECT_EQ(row(model(4)->encode(rows, TaskKind::generation), 0), ids("fgp", true));
  }
}

TEST_F(Encoding, RefusesATokenizerOfAnotherModel) {
  Folder other;
  write(other, gpt2());
  const auto model = load(other, {{"tokenizer", folder_.str()}});
  expect_message([&] { model->encode(examples({"zz"}), TaskKind::classification); },
                 {"token id", "only 20 embeddings"});
}

}  // namespace
}  // namespace w2s
