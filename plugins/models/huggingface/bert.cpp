// BERT (Devlin et al. 2019), RoBERTa (Liu et al. 2019), XLM-RoBERTa (Conneau et al. 2020) and ELECTRA (Clark
// et al. 2020), whose embeddings may be smaller: post-norm encoders with learned positions.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

class Bert final : public Family {
 public:
  explicit Bert(const Config& config)
      : Family(Kind::encoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        roberta_(config.text({"model_type"}).ends_with("roberta")),
        electra_(config.text({"model_type"}) == "electra"),
        heads_(config.size({"num_attention_heads"})),
        padding_(config.find("pad_token_id") ? config.token("pad_token_id") : (roberta_ ? 1 : 0)),
        eps_(config.real({"layer_norm_eps"}, 1e-12)),
        activation_(config.text({"hidden_act"}, "gelu")) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    if (const std::string kind = config.text({"position_embedding_type"}, "absolute"); kind != "absolute") {
      config.fail("'position_embedding_type' = '" + kind + "' is not supported; expected 'absolute'");
    }
    if (roberta_ && padding_ < 0) config.fail("'pad_token_id' must be at least 0: positions count from it");
    const std::int64_t positions = context_;
    if (roberta_) context_ = positions - padding_ - 1;
    if (context_ < 1) config.fail("'max_position_embeddings' leaves no room for tokens");
    const std::int64_t inner = config.size({"intermediate_size"});
    const std::int64_t embedding = electra_ ? config.size({"embedding_size"}, 128) : width_;
    layout_.prefix = roberta_ ? "roberta." : electra_ ? "electra." : "bert.";
    layout_.ignored_prefixes = {"pooler.",     "cls.",      "lm_head.",          "classifier.",
                                "qa_outputs.", "generator", "discriminator_pred"};
    layout_.ignored_suffixes = {"embeddings.position_ids", "embeddings.token_type_ids"};
    layout_.weight("embeddings.word_embeddings.weight", {vocabulary_, embedding}, -1);
    layout_.weight("embeddings.position_embeddings.weight", {positions, embedding}, -1);
    layout_.weight("embeddings.token_type_embeddings.weight",
                   {config.size({"type_vocab_size"}, 2), embedding}, -1);
    layout_.norm("embeddings.LayerNorm", embedding, -1);
    if (embedding != width_) layout_.linear("embeddings_project", embedding, width_, -1, true, Map::none);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "encoder.layer." + std::to_string(i) + ".";
      layout_.linear(block + "attention.self.query", width_, width_, i);
      layout_.linear(block + "attention.self.key", width_, width_, i);
      layout_.linear(block + "attention.self.value", width_, width_, i);
      layout_.linear(block + "attention.output.dense", width_, width_, i);
      layout_.norm(block + "attention.output.LayerNorm", width_, i);
      layout_.linear(block + "intermediate.dense", width_, inner, i);
      layout_.linear(block + "output.dense", inner, width_, i);
      layout_.norm(block + "output.LayerNorm", width_, i);
    }
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embeddings.word_embeddings.weight"], in.x) +
               weights["embeddings.token_type_embeddings.weight"][0] +
               at::embedding(weights["embeddings.position_embeddings.weight"],
                             roberta_ ? counted_positions(in, padding_) : token_positions(in));
    x = weights.layer_norm(x, "embeddings.LayerNorm", eps_);
    if (weights.has("embeddings_project.weight")) x = weights.linear(x, "embeddings_project");
    const Mask mask = encoder_mask(in);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "encoder.layer." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in.attention, name, mask, given);
      });
    }
    return x;
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name, const Mask& mask,
               const Tensor& given) const {
    const Tensor q = split_heads(weights.linear(given, name + "attention.self.query"), heads_);
    const Tensor k = split_heads(weights.linear(given, name + "attention.self.key"), heads_);
    const Tensor v = split_heads(weights.linear(given, name + "attention.self.value"), heads_);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    const Tensor context = merge_heads(attend(attention, q, k, v, mask, scale));
    const Tensor x = weights.layer_norm(given + weights.linear(context, name + "attention.output.dense"),
                                        name + "attention.output.LayerNorm", eps_);
    const Tensor inner = activate(activation_, weights.linear(x, name + "intermediate.dense"));
    return weights.layer_norm(x + weights.linear(inner, name + "output.dense"), name + "output.LayerNorm",
                              eps_);
  }

  bool roberta_, electra_;
  std::int64_t heads_, padding_;
  double eps_;
  std::string activation_;
};

W2S_FAMILY(Bert, "bert", "electra", "roberta", "xlm-roberta");

}  // namespace
}  // namespace w2s::hf
