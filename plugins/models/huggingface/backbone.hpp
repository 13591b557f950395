// Backbone: an IModel around a family. How its weights come to be is left to
// those who derive: a checkpoint (huggingface) or fresh values (gpt).
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <w2s/model.hpp>
#include <w2s/saves_head.hpp>
#include <w2s/tokenizer.hpp>

#include "family.hpp"
#include "lora.hpp"
#include "pooling.hpp"

namespace w2s::hf {

struct BackboneParams {
  std::string tokenizer;     ///< folder of the tokenizer; empty: this backbone reads no text
  std::int64_t context = 0;  ///< 0: all positions that the model has
  std::int64_t layer = -1;   ///< whose hidden states are the features: 0 embeddings, … depth; -1 the last
  std::string attention = "auto";
  std::string dtype = "float32";   ///< of the weights; half types are frozen
  Table lora;                      ///< LoraParams; empty: none
  bool checkpoint_blocks = false;  ///< Inputs::checkpoint_blocks
  std::string pooling = "auto";    ///< of text: a name of pooling.hpp, or what `sentence` or the family says
  SentenceForm sentence;           ///< what the folder says of its vectors
};

class Backbone : public IModel, public ISavesHead {
 public:
  /// Throws UsageError for a layer or context that the model does not have.
  Backbone(Config config, BackboneParams params);

  Encoded encode(const Examples& examples, TaskKind kind) const override;
  std::int64_t feature_size() const override { return family_->width(layer_); }
  Tensor features(const Batch& batch) override;
  Tensor hidden(const Batch& batch) override;
  Tensor vocabulary_logits(const Tensor& hidden) override;
  Tensor word_embeddings(const std::vector<std::string>& words) override;
  std::vector<std::vector<std::int32_t>> generate(const std::vector<std::vector<std::int32_t>>& prompts,
                                                  const GenerateOptions& options) override;
  /// config.json, model.safetensors with Hugging Face's names (LoRA folded in), and the tokenizer's files.
  void save(const std::string& folder) const override;
  std::string save_with_head(const std::string& folder, const LinearHead& head) const override;
  const Tokenizer& tokenizer() const override;
  std::int64_t context() const override { return context_; }
  bool packs() const override;
  std::int64_t depth() const override { return family_->depth(); }
  std::int64_t block_of(const std::string& parameter) const override;

 protected:
  /// For build(): checks the task's inputs, asks `load` for each tensor of the layout, which it keeps
  /// (undefined: absent), adds LoRA.
  void build_from(const ModelContext& context,
                  const std::function<Tensor(const TensorSpec&, at::ScalarType)>& load, const Stream& stream);
  const Family& family() const { return *family_; }
  /// SHA-256 of the files that decide the tokens; "" where there is no tokenizer.
  std::string tokenizer_digest() const;

 private:
  Weights weights() const;
  /// `tensors` are written beside the model's own.
  void write(const std::string& folder, std::map<std::string, Tensor> tensors, Table config) const;
  Inputs inputs(const Batch& batch) const;
  bool packed(const Batch& batch) const;
  bool own_vectors() const;

  Config config_;
  BackboneParams params_;
  std::unique_ptr<Family> family_;
  Attention attention_;
  at::ScalarType type_;
  Pooling pooling_;
  std::int64_t layer_, context_;
  bool has_lora_;
  LoraParams lora_;
  mutable std::once_flag tokenizer_once_;
  mutable std::shared_ptr<const Tokenizer> tokenizer_;
  mutable std::string tokens_digest_;  // of what makes the tokens
};

/// A scalar type by config.json's name: "float32", "bfloat16", "float16".
at::ScalarType type_named(const std::string& name);

/// The fields that every backbone's Params has beside its own.
template <class Params>
void describe_backbone(Schema<Params>& schema) {
  schema
      .field("context", &Params::context,
             "most tokens of a row; longer rows lose the beginning of their text; 0: all that the model has")
      .at_least(0);
  schema
      .field("layer", &Params::layer,
             "hidden states that are the features: 0 embeddings, 1 … depth after that block; -1: the last, "
             "normed")
      .at_least(-1);
  schema
      .field(
          "pooling", &Params::pooling,
          "a row's feature: the first (cls) or last token's state, or the mean or max of all tokens'; auto: "
          "as the folder says (1_Pooling), else last for decoders and cls for encoders")
      .one_of({"auto", "mean", "cls", "last", "max"});
  schema
      .field("attention", &Params::attention,
             "fused: LibTorch's kernels; plain: the formula, on padded rows, as always for Gemma 2's capped "
             "scores; auto: on the CPU without padding (not so Gemma 2, DeBERTa and MPNet), on a GPU fused "
             "where it "
             "is fast")
      .one_of({"auto", "fused", "plain"});
  schema.field("checkpoint_blocks", &Params::checkpoint_blocks,
               "training keeps each block's input alone and computes the block again for its gradient: less "
               "memory, about a third more time, the same result");
  schema.field(
      "lora", &Params::lora,
      "{ rank = 8, alpha = 16, targets = [] }: trains low-rank updates and freezes the rest; empty: no LoRA");
}

}  // namespace w2s::hf
