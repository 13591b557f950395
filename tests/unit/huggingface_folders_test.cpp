// What lies beside a checkpoint's weights: pooling and normalising (sentence-transformers), adapters (PEFT),
// older spellings of config.json. The models are those of tests/golden/fixtures/models, whose states
// transformers computed.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include <w2s/json.hpp>
#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/saves_head.hpp>

#include "check/tiny_world.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = W2S_SOURCE_DIR "/tests/golden/fixtures/models/";

std::unique_ptr<IModel> load(const std::string& path, const Table& params = {},
                             const ModelContext& context = {}) {
  static const Registry registry = load_plugins();
  Table all = params;
  all.set("path", path);
  std::unique_ptr<IModel> model = registry.make_model({"huggingface", all, {}});
  model->build(context, Stream(1, "test"));
  return model;
}

struct Golden {
  explicit Golden(const std::string& name)
      : file(SafeTensors::open(kGolden + name + "/expected.safetensors")) {
    batch.x = file.at("input_ids").to(at::kLong);
    batch.mask = file.at("attention_mask").to(at::kBool);
    const Tensor counts = batch.mask.sum(1);
    for (std::int64_t r = 0; r < counts.size(0); ++r) batch.lengths.push_back(counts[r].item<std::int64_t>());
  }
  // Of transformers' last hidden states.
  Tensor pooled(const std::string& how) const {
    const Tensor states = file.at("last_hidden_state");
    std::vector<Tensor> rows;
    for (std::size_t r = 0; r < batch.lengths.size(); ++r) {
      const Tensor row = states[static_cast<std::int64_t>(r)].narrow(0, 0, batch.lengths[r]);
      rows.push_back(how == "mean"  ? row.mean(0)
                     : how == "max" ? row.amax(0)
                                    : row[how == "cls" ? 0 : batch.lengths[r] - 1]);
    }
    return at::stack(rows);
  }
  SafeTensors file;
  Batch batch;
};

Tensor features(IModel& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  return model.features(batch);
}
const ISavesHead& saving(const IModel& model) { return dynamic_cast<const ISavesHead&>(model); }

double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

void expect_message(const std::function<void()>& action, const std::vector<std::string>& parts) {
  std::string message = "nothing was thrown";
  try {
    action();
  } catch (const Error& error) {
    message = error.what();
  }
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
}

// A copy of a golden folder that may be changed.
class Copy {
 public:
  explicit Copy(const std::string& name) {
    fs::copy(kGolden + name, folder_.path(),
             fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  }
  std::string path() const { return folder_.path(); }
  void write(const std::string& file, const Value& value) const {
    fs::create_directories(fs::path(path() + "/" + file).parent_path());
    save_json(path() + "/" + file, value);
  }
  Table config() const { return read_json(path() + "/config.json").as_table(); }

 private:
  ScratchFolder folder_;
};

void write_modules(const Copy& folder, const Table& pooling, const std::vector<std::string>& further = {}) {
  List modules{Table{{"path", ""}, {"type", "sentence_transformers.models.Transformer"}},
               Table{{"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}}};
  for (const std::string& type : further)
    modules.push_back(Table{{"path", "2_" + type}, {"type", "sentence_transformers.models." + type}});
  folder.write("modules.json", modules);
  folder.write("1_Pooling/config.json", pooling);
}

TEST(Pooling, IsOfTheStatesOfRealTokens) {
  for (const std::string name : {"opt", "electra", "mpnet"}) {
    const Golden golden(name);
    for (const std::string how : {"cls", "last", "mean", "max"}) {
      for (const std::string attention : {"plain", "auto"}) {
        const auto model = load(kGolden + name, {{"pooling", how}, {"attention", attention}});
        EXPECT_LT(distance(features(*model, golden.batch), golden.pooled(how)), 2e-5)
            << name << " " << how << " " << attention;
      }
    }
  }
}

TEST(Pooling, FollowsTheFoldersModules) {
  const Golden golden("electra");
  const Copy folder("electra");
  write_modules(folder, Table{{"pooling_mode_cls_token", false}, {"pooling_mode_mean_tokens", true}},
                {"Normalize"});
  folder.write("sentence_bert_config.json", Table{{"max_seq_length", 21}});
  const Tensor mean = golden.pooled("mean");
  const Tensor expected = mean / mean.norm(2, {1}, /*keepdim=*/true);
  const auto model = load(folder.path());
  EXPECT_LT(distance(features(*model, golden.batch), expected), 1e-5);
  EXPECT_EQ(model->context(), 21);
  EXPECT_EQ(load(folder.path(), {{"context", 40}})->context(), 40);
  write_modules(folder, Table{{"pooling_mode", "max"}});
  EXPECT_LT(distance(features(*load(folder.path()), golden.batch), golden.pooled("max")), 2e-5);
}

TEST(Pooling, IsSavedWithTheModel) {
  const Golden golden("opt");
  ScratchFolder saved, plain;
  const auto model = load(kGolden + "opt", {{"pooling", "mean"}});
  const LinearHead head{at::ones({2, 32}), {}};
  saving(*model).save_with_head(saved.path(), head);
  EXPECT_EQ(distance(features(*load(saved.path()), golden.batch), features(*model, golden.batch)), 0);
  EXPECT_EQ(read_json(saved.path() + "/config.json").as_table().at("architectures"),
            Value(List{"OPTForCausalLM"}))
      << "transformers' classifier would read the last token";
  saving(*load(kGolden + "opt")).save_with_head(plain.path(), head);
  EXPECT_FALSE(fs::exists(plain.path() + "/modules.json"));
  EXPECT_EQ(read_json(plain.path() + "/config.json").as_table().at("architectures"),
            Value(List{"OPTForSequenceClassification"}));
}

TEST(Pooling, RefusesWhatItDoesNotKnow) {
  const Copy folder("electra");
  write_modules(folder, Table{{"pooling_mode_mean_sqrt_len_tokens", true}});
  expect_message([&] { load(folder.path()); },
                 {"1_Pooling/config.json", "pooling_mode_mean_sqrt_len_tokens", "mean, cls, last or max"});
  write_modules(folder, Table{{"pooling_mode_mean_tokens", true}}, {"Dense"});
  expect_message([&] { load(folder.path()); }, {"modules.json", "'Dense' is not supported"});
  load(folder.path(), {{"pooling", "mean"}});
  ModelContext images;
  images.input_shape = {3, 64, 64};
  expect_message([&] { load(kGolden + "convnext", {{"pooling", "mean"}}, images); }, {"reads images"});
  expect_message([&] { load(folder.path(), {{"pooling", "men"}}); }, {"did you mean 'mean'?"});
}

Tensor numbers(const std::string& name, const std::vector<std::int64_t>& shape) {
  Stream stream(7, name);
  Tensor tensor = at::empty(shape, at::kFloat);
  for (std::int64_t i = 0; i < tensor.numel(); ++i)
    tensor.data_ptr<float>()[i] = static_cast<float>(0.2 * stream.normal());
  return tensor;
}

// Writes a LoRA of rank 4 for `module` [in → out], and a copy of its base with the update added.
class LoraOf {
 public:
  LoraOf(const std::string& base, const std::string& module, std::int64_t in, std::int64_t out,
         bool transposed, double scale, const Table& settings)
      : base_(base), merged_(base) {
    const Tensor a = numbers("a", {4, in}), b = numbers("b", {out, 4});
    save_safetensors(adapter_.path() + "/adapter_model.safetensors",
                     {{"base_model.model." + module + ".lora_A.weight", a},
                      {"base_model.model." + module + ".lora_B.weight", b}});
    config_ = Table{{"peft_type", "LORA"}, {"base_model_name_or_path", base_.path()}, {"lora_alpha", 6}};
    for (const auto& [key, value] : settings) config_.set(key, value);
    save_json(adapter_.path() + "/adapter_config.json", config_);
    const std::string path = merged_.path() + "/model.safetensors";
    std::map<std::string, Tensor> tensors;
    {
      const SafeTensors file = SafeTensors::open(path);
      for (const std::string& name : file.names()) tensors[name] = file.at(name).clone();
    }
    const Tensor update = scale * at::matmul(b, a);
    Tensor& weight = tensors.at(module + ".weight");
    weight = weight + (transposed ? update.t() : update);
    save_safetensors(path, tensors);
  }
  std::string base() const { return base_.path(); }
  std::string merged() const { return merged_.path(); }
  std::string adapter() const { return adapter_.path(); }
  void set(const std::string& key, const Value& value) {
    config_.set(key, value);
    save_json(adapter() + "/adapter_config.json", config_);
  }

 private:
  Copy base_, merged_;
  ScratchFolder adapter_;
  Table config_;
};

TEST(Adapter, IsMergedIntoItsBase) {
  const std::string opt = "model.decoder.layers.1.self_attn.q_proj";
  const auto check = [](const std::string& name, const LoraOf& lora) {
    const Golden golden(name);
    const Tensor expected = features(*load(lora.merged()), golden.batch);
    EXPECT_LT(distance(features(*load(lora.base(), {{"adapter", lora.adapter()}}), golden.batch), expected),
              1e-6);
    EXPECT_GT(distance(features(*load(lora.base()), golden.batch), expected), 1e-3);
    EXPECT_LT(distance(features(*load(lora.adapter()), golden.batch), expected), 1e-6)
        << "its base is a folder";
  };
  check("opt", {"opt", opt, 32, 32, false, 1.5, {}});
  check("opt", {"opt", opt, 32, 32, false, 3.0, {{"use_rslora", true}}});
  check("opt", {"opt", opt, 32, 32, false, 2.0, {{"alpha_pattern", Table{{"q_proj", 8}}}}});
  check("gpt2_untied",
        {"gpt2_untied", "transformer.h.0.attn.c_attn", 16, 48, true, 1.5, {{"fan_in_fan_out", true}}});
  check("electra", {"electra", "encoder.layer.0.intermediate.dense", 32, 64, false, 1.5, {}});
}

TEST(Adapter, BesideItsBaseIsPartOfTheModel) {
  const LoraOf lora("electra", "encoder.layer.0.attention.self.query", 32, 32, false, 1.5, {});
  const std::string before = load(lora.base())->source_digest();
  for (const char* file : {"/adapter_config.json", "/adapter_model.safetensors"})
    fs::copy(lora.adapter() + file, lora.base() + file);
  const Golden golden("electra");
  const auto model = load(lora.base());
  EXPECT_LT(distance(features(*model, golden.batch), features(*load(lora.merged()), golden.batch)), 1e-6);
  EXPECT_NE(model->source_digest(), before);
}

TEST(Adapter, LeavesOutATrainedHead) {
  LoraOf lora("electra", "encoder.layer.0.attention.self.query", 32, 32, false, 1.5, {});
  const std::string path = lora.adapter() + "/adapter_model.safetensors";
  std::map<std::string, Tensor> tensors{{"base_model.model.classifier.weight", at::ones({2, 32})}};
  {
    const SafeTensors file = SafeTensors::open(path);
    for (const std::string& name : file.names()) tensors[name] = file.at(name).clone();
  }
  save_safetensors(path, tensors);
  const Golden golden("electra");
  EXPECT_LT(
      distance(features(*load(lora.adapter()), golden.batch), features(*load(lora.merged()), golden.batch)),
      1e-6);
}

TEST(Adapter, RefusesWhatItCannotMerge) {
  LoraOf lora("electra", "encoder.layer.0.attention.self.query", 32, 32, false, 1.5, {});
  const auto refused = [&](const std::string& key, const Value& value, const Value& fine,
                           const std::vector<std::string>& parts) {
    lora.set(key, value);
    expect_message([&] { load(lora.base(), {{"adapter", lora.adapter()}}); }, parts);
    lora.set(key, fine);
  };
  refused("peft_type", "IA3", "LORA", {"adapter_config.json", "'peft_type' = 'IA3'", "'LORA'"});
  refused("use_dora", true, false, {"'use_dora' is not supported"});
  refused("bias", "all", "none", {"'bias' = 'all'"});
  refused("alpha_pattern", Table{{".*query", 3}}, Table{}, {"'.*query' is a pattern"});
  lora.set("base_model_name_or_path", "google/electra-small");
  expect_message([&] { load(lora.adapter()); },
                 {"base 'google/electra-small' is no folder here", "'path'", "'adapter'"});
  expect_message(
      [&] {
        load(kGolden + "mpnet", {{"adapter", lora.adapter()}});
      },
      {"encoder.layer.0.attention.self.query.lora_", "no linear map of this model"});
}

TEST(OlderSpellings, GiveTheSameModel) {
  const auto same = [](const std::string& name, const std::vector<std::string>& erased, const Table& set) {
    const Copy folder(name);
    Table config;
    for (const auto& [key, value] : folder.config()) {
      if (std::find(erased.begin(), erased.end(), key) == erased.end()) config.set(key, value);
    }
    for (const auto& [key, value] : set) config.set(key, value);
    folder.write("config.json", config);
    const Golden golden(name);
    EXPECT_EQ(
        distance(features(*load(folder.path()), golden.batch), features(*load(kGolden + name), golden.batch)),
        0)
        << name;
  };
  same("gemma2", {"layer_types", "rope_parameters"}, {{"rope_theta", 10000.0}});
  same("gemma3", {"layer_types", "rope_parameters", "_sliding_window_pattern"},
       {{"rope_theta", 1e6}, {"rope_local_base_freq", 1e4}, {"sliding_window_pattern", 6}});
  same("modernbert", {"layer_types", "rope_parameters"},
       {{"global_rope_theta", 160000.0}, {"local_rope_theta", 10000.0}});
  same("smollm3", {"layer_types", "no_rope_layers", "rope_parameters"}, {{"rope_theta", 2e6}});
  same("deberta_v3", {}, {{"pos_att_type", "p2c|c2p"}});
  same("phi3_longrope", {"rope_parameters"},
       {{"rope_theta", 10000.0},
        {"rope_scaling", Table{{"type", "su"},
                               {"short_factor", List{1.0, 1.1, 1.4, 2.0}},
                               {"long_factor", List{1.0, 2.0, 3.0, 4.0}}}}});
}

TEST(OlderSpellings, TowersOfBothKindsAreReadFromAWholeCheckpoint) {
  for (const std::string name : {"clip_vision", "siglip_vision"}) {
    const Copy folder(name);
    folder.write("config.json", Table{{"model_type", name.substr(0, name.find('_'))},
                                      {"text_config", Table{{"hidden_size", 8}}},
                                      {"vision_config", folder.config()}});
    const std::string path = folder.path() + "/model.safetensors";
    std::map<std::string, Tensor> tensors{{"text_model.embeddings.token_embedding.weight", at::ones({4, 8})},
                                          {"logit_scale", at::ones({})}};
    {
      const SafeTensors file = SafeTensors::open(path);
      for (const std::string& tensor : file.names())
        tensors["vision_model." + tensor] = file.at(tensor).clone();
    }
    save_safetensors(path, tensors);
    const SafeTensors expected = SafeTensors::open(kGolden + name + "/expected.safetensors");
    Batch batch;
    batch.x = expected.at("pixel_values");
    ModelContext context;
    context.input_shape = batch.x.sizes().slice(1).vec();
    EXPECT_LT(distance(features(*load(folder.path(), {}, context), batch), expected.at("pooler_output")),
              2e-5)
        << name;
  }
}

TEST(LongRope, EndsTheContextWhereItsOtherFactorsBegin) {
  EXPECT_EQ(load(kGolden + "phi3_longrope")->context(), 32);
}

TEST(Pickles, AreRefusedWithTheCommandThatConvertsThem) {
  const Copy folder("opt");
  fs::rename(folder.path() + "/model.safetensors", folder.path() + "/pytorch_model.bin");
  expect_message([&] { load(folder.path()); },
                 {"found pytorch_model.bin", "python3 -c", folder.path() + "/pytorch_model*.bin",
                  folder.path() + "/model.safetensors"});
}

}  // namespace
}  // namespace w2s
