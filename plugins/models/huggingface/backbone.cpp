#include "backbone.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include <w2s/digest.hpp>
#include <w2s/json.hpp>
#include <w2s/safetensors.hpp>

#include "encode.hpp"
#include "encode_cache.hpp"
#include "file_digest.hpp"
#include "generate.hpp"

namespace w2s::hf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizerFiles[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "encoder.json",
    "vocab.bpe",
    "vocab.txt",
};

// Rows of a batch end to end, without their padding.
Inputs pack(Inputs in, const Batch& batch) {
  auto offsets = std::make_shared<Offsets>(Offsets{0});
  for (const std::int64_t length : batch.lengths) offsets->push_back(offsets->back() + length);
  in.x = at::empty({1, offsets->back()}, at::kLong);
  in.positions = at::empty_like(in.x);
  const Tensor ids = batch.x.contiguous();
  const std::int64_t width = ids.size(1);
  for (std::size_t r = 0; r < batch.lengths.size(); ++r) {
    std::copy_n(ids.data_ptr<std::int64_t>() + static_cast<std::int64_t>(r) * width, batch.lengths[r],
                in.x.data_ptr<std::int64_t>() + (*offsets)[r]);
    std::int64_t* position = in.positions.data_ptr<std::int64_t>() + (*offsets)[r];
    std::iota(position, position + batch.lengths[r], 0);
  }
  in.sequences = std::move(offsets);
  return in;
}

// Packed states [1, N, D] as [R, T, D], zeros where there is no token.
Tensor padded_states(const Tensor& hidden, const Offsets& offsets, std::int64_t width) {
  const auto rows = static_cast<std::int64_t>(offsets.size()) - 1, size = hidden.size(2);
  if (offsets.back() == rows * width) return hidden.view({rows, width, size});
  std::vector<std::int64_t> places;
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    for (std::int64_t t = 0; t < offsets[i + 1] - offsets[i]; ++t) places.push_back(r * width + t);
  }
  return at::zeros({rows * width, size}, hidden.options())
      .index_copy(0, at::tensor(places, at::kLong), hidden.squeeze(0))
      .view({rows, width, size});
}

bool padded(const Batch& batch) {
  if (!batch.mask.defined()) return false;
  if (batch.lengths.empty()) return !batch.mask.all().item<bool>();
  const std::int64_t width = batch.x.size(1);
  return std::any_of(batch.lengths.begin(), batch.lengths.end(), [&](std::int64_t n) { return n < width; });
}

}  // namespace

at::ScalarType type_named(const std::string& name) {
  if (name == "bfloat16") return at::kBFloat16;
  return name == "float16" ? at::kHalf : at::kFloat;
}

Backbone::Backbone(Config config, BackboneParams params)
    : config_(std::move(config)),
      params_(std::move(params)),
      family_(make_family(config_)),
      attention_(attention_named(params_.attention)),
      type_(type_named(params_.dtype)),
      pooling_(params_.sentence.pooling.value_or(family_->pooling())),
      layer_(params_.layer < 0 ? family_->depth() : params_.layer),
      context_(params_.context > 0 ? params_.context : family_->context()),
      has_lora_(!params_.lora.empty()) {
  if (layer_ > family_->depth()) {
    throw UsageError("layer = " + std::to_string(layer_) + ": " + config_.name() + " has " +
                     std::to_string(family_->depth()) + " layers");
  }
  if (context_ > family_->context()) {
    throw UsageError("context = " + std::to_string(context_) + ": " + config_.name() + " has " +
                     std::to_string(family_->context()) + " positions");
  }
  if (params_.context == 0 && params_.sentence.context > 0)
    context_ = std::min(context_, params_.sentence.context);
  if (params_.pooling != "auto") {
    if (family_->kind() == Family::Kind::vision)
      throw UsageError("pooling = '" + params_.pooling + "': " + config_.name() +
                       " reads images, which it pools itself");
    pooling_ = pooling_named(params_.pooling);
  }
  if (has_lora_) {
    Schema<LoraParams> schema;
    describe_lora(schema);
    lora_ = schema.parse(params_.lora, "lora");
  }
}

void Backbone::build_from(const ModelContext& context,
                          const std::function<Tensor(const TensorSpec&, at::ScalarType)>& load,
                          const Stream& stream) {
  const bool text = family_->kind() != Family::Kind::vision;
  if (text && !context.input_shape.empty()) {
    throw UsageError("this model reads text, but the task's examples are dense");
  }
  if (!text) family_->check_image(context.input_shape);
  const Layout& layout = family_->layout();
  const bool frozen = has_lora_ || type_ != at::kFloat;
  for (const TensorSpec& tensor : layout.tensors) {
    Tensor values = load(tensor, tensor.buffer ? at::kFloat : type_);
    if (!values.defined()) continue;
    parameters().adopt(layout.full_name(tensor), std::move(values), tensor.buffer || frozen);
  }
  if (has_lora_) add_lora(parameters(), layout, lora_, stream.child("lora"));
}

Weights Backbone::weights() const {
  const Layout& layout = family_->layout();
  return Weights(parameters(), layout.saves_prefix ? layout.prefix : "",
                 lora_.alpha / static_cast<double>(lora_.rank));
}

Inputs Backbone::inputs(const Batch& batch) const {
  Inputs in;
  in.x = batch.x;
  in.attention = attention_;
  in.checkpoint_blocks = params_.checkpoint_blocks;
  if (family_->kind() == Family::Kind::vision) return in;
  if (batch.x.size(1) > family_->context()) {
    throw Error("a batch of rows of " + std::to_string(batch.x.size(1)) + " tokens: the model has " +
                std::to_string(family_->context()) + " positions");
  }
  if (packed(batch)) return pack(std::move(in), batch);
  if (padded(batch)) in.real = batch.mask;
  return in;
}

bool Backbone::packs() const {
  if (params_.attention != "auto" || !family_->packs()) return false;
  const auto& items = parameters().items();
  return !items.empty() && items.front().tensor.is_cpu();
}

bool Backbone::packed(const Batch& batch) const {
  return packs() && batch.lengths.size() == static_cast<std::size_t>(batch.x.size(0)) &&
         std::all_of(batch.lengths.begin(), batch.lengths.end(), [](std::int64_t n) { return n > 0; });
}

Tensor Backbone::features(const Batch& batch) {
  const Weights named = weights();
  const Inputs in = inputs(batch);
  const Tensor states = family_->hidden(named, in, layer_);
  Tensor vectors;
  if (family_->kind() == Family::Kind::vision)
    vectors = family_->pooled(named, states, layer_);
  else
    vectors = in.sequences ? pool_packed(pooling_, states, *in.sequences) : pool(pooling_, states, batch);
  vectors = vectors.to(at::kFloat);
  if (!params_.sentence.normalized) return vectors;
  return vectors / vectors.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

// Whether features are other vectors than those that the family's own classifiers read.
bool Backbone::own_vectors() const {
  return family_->kind() != Family::Kind::vision &&
         (pooling_ != family_->pooling() || params_.sentence.normalized);
}

Tensor Backbone::hidden(const Batch& batch) {
  const Inputs in = inputs(batch);
  const Tensor states = family_->hidden(weights(), in, family_->depth());
  return in.sequences ? padded_states(states, *in.sequences, batch.x.size(1)) : states;
}

Tensor Backbone::vocabulary_logits(const Tensor& hidden) {
  return output_logits(*family_, weights(), hidden);
}

Tensor Backbone::word_embeddings(const std::vector<std::string>& words) {
  if (family_->kind() != Family::Kind::decoder) throw UsageError("this model is not a causal language model");
  std::vector<std::int64_t> last;
  for (const std::string& word : words) {
    const Tokenizer::Ids ids = tokenizer().encode(word, /*add_special_tokens=*/false);
    if (ids.empty()) throw UsageError("the word '" + word + "' has no token");
    last.push_back(ids.back());
  }
  const std::string name = family_->output_embedding();
  if (!parameters().has(name)) throw UsageError("the checkpoint has no output embedding '" + name + "'");
  const Tensor& rows = parameters().at(name);
  return rows.index_select(0, at::tensor(last, at::kLong).to(rows.device())).to(at::kFloat);
}

std::vector<std::vector<std::int32_t>> Backbone::generate(
    const std::vector<std::vector<std::int32_t>>& prompts, const GenerateOptions& options) {
  if (family_->kind() != Family::Kind::decoder) throw UsageError("this model is not a causal language model");
  GenerateOptions own = options;
  if (own.stop.empty()) {
    const Value* end = config_.find("eos_token_id");
    if (end && end->is_list()) {
      for (const Value& id : end->as_list()) own.stop.push_back(static_cast<std::int32_t>(id.as_int()));
    } else if (end) {
      own.stop.push_back(static_cast<std::int32_t>(config_.token("eos_token_id")));
    }
  }
  const Weights named = weights();
  const at::Device device = parameters().items().front().tensor.device();
  return Generator(*family_, named, attention_, context_, device).run(prompts, own);
}

Encoded Backbone::encode(const Examples& examples, TaskKind kind) const {
  if (family_->kind() == Family::Kind::vision) return IModel::encode(examples, kind);
  TextLimits limits;
  limits.context = context_;
  limits.vocabulary = family_->vocabulary();
  limits.end = static_cast<std::int32_t>(config_.token("eos_token_id"));
  if (limits.end < 0) limits.end = tokenizer().special_id(TokenRole::eos).value_or(-1);
  static EncodeCache cache;
  const Tokenizer& tokens = tokenizer();
  const std::string key = Digest()
                              .add(tokens_digest_)
                              .add(examples.input_digest())
                              .add(static_cast<std::int64_t>(kind))
                              .add(limits.context)
                              .add(limits.vocabulary)
                              .add(limits.end)
                              .hex();
  return cache.get(key, [&] { return encode_texts(tokens, examples, kind, limits); });
}

const Tokenizer& Backbone::tokenizer() const {
  std::call_once(tokenizer_once_, [&] {
    if (params_.tokenizer.empty())
      throw UsageError("this model has no tokenizer: set 'tokenizer' to its folder");
    tokenizer_ = Tokenizer::from_folder(params_.tokenizer);
    tokens_digest_ = sha256(tokenizer_->json());
  });
  return *tokenizer_;
}

std::string Backbone::tokenizer_digest() const {
  Digest digest;
  bool any = false;
  for (const char* name : kTokenizerFiles) {
    const fs::path file = fs::path(params_.tokenizer) / name;
    if (params_.tokenizer.empty() || !fs::exists(file)) continue;
    digest.add(name).add(file_digest(file.string()));
    any = true;
  }
  return any ? digest.hex() : "";
}

void Backbone::save(const std::string& folder) const { write(folder, {}, config_.table()); }

std::string Backbone::save_with_head(const std::string& folder, const LinearHead& head) const {
  const HeadForm form = family_->head();
  std::map<std::string, Tensor> tensors{{form.module + ".weight", head.weight}};
  if (head.bias.defined()) tensors[form.module + ".bias"] = head.bias;
  Table config = config_.table(), labels;
  for (std::int64_t c = 0; c < head.weight.size(0); ++c)
    labels.set(std::to_string(c), "LABEL_" + std::to_string(c));
  config.set("id2label", labels);  // transformers counts its labels here
  if (!form.architecture.empty() && !own_vectors()) config.set("architectures", List{form.architecture});
  const Value *pad = config.find("pad_token_id"), *end = config.find("eos_token_id");
  if ((pad == nullptr || pad->is_null()) && end != nullptr && !end->is_list())
    config.set("pad_token_id", Value(*end));
  write(folder, std::move(tensors), std::move(config));
  return form.module;
}

void Backbone::write(const std::string& folder, std::map<std::string, Tensor> tensors, Table config) const {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error("cannot make the folder '" + folder + "': " + failure.message());
  const Layout& layout = family_->layout();
  const Weights named = weights();
  for (const TensorSpec& tensor : layout.tensors) {
    const std::string name = layout.full_name(tensor);
    if (parameters().has(name)) tensors[name] = named.merged(name, tensor.map);
  }
  save_safetensors(folder + "/model.safetensors", tensors, {{"format", "pt"}});
  for (const char* name : kTokenizerFiles) {
    const fs::path from = fs::path(params_.tokenizer) / name, to = fs::path(folder) / name;
    if (params_.tokenizer.empty() || !fs::exists(from) || fs::equivalent(params_.tokenizer, folder)) continue;
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, failure);
    if (failure)
      throw Error("cannot copy '" + from.string() + "' to '" + to.string() + "': " + failure.message());
  }
  if (own_vectors()) {
    SentenceForm sentence = params_.sentence;
    sentence.pooling = pooling_;
    write_sentence_form(folder, sentence, feature_size());
  }
  config.set(config.find("torch_dtype") ? "torch_dtype" : "dtype", params_.dtype);
  save_json(folder + "/config.json", Value(std::move(config)));
}

std::int64_t Backbone::block_of(const std::string& parameter) const {
  std::string name = parameter;
  for (const char* end : {".lora_a", ".lora_b"}) {
    if (name.ends_with(end)) name = name.substr(0, name.size() - 7) + ".weight";
  }
  const Layout& layout = family_->layout();
  const auto found = std::find_if(layout.tensors.begin(), layout.tensors.end(),
                                  [&](const TensorSpec& tensor) { return layout.full_name(tensor) == name; });
  if (found == layout.tensors.end()) throw Error("the model has no parameter '" + parameter + "'");
  return found->block;
}

}  // namespace w2s::hf
