// GPT-NeoX and Pythia (Black et al. 2022): rotary positions on part of each head, parallel residual.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class GptNeoX final : public Family {
 public:
  explicit GptNeoX(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        eps_(config.real({"layer_norm_eps"}, 1e-5)),
        activation_(config.text({"hidden_act"}, "gelu")),
        parallel_(config.flag("use_parallel_residual", true)),
        rotary_(config, width_ / heads_, 0.25) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"intermediate_size"});
    const bool bias = config.flag("attention_bias", true);
    layout_.prefix = "gpt_neox.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "qa_outputs.", "rotary_emb."};
    layout_.ignored_suffixes = {".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"};
    layout_.weight("embed_in.weight", {vocabulary_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      layout_.norm(block + "input_layernorm", width_, i);
      layout_.norm(block + "post_attention_layernorm", width_, i);
      layout_.linear(block + "attention.query_key_value", width_, 3 * width_, i, bias);
      layout_.linear(block + "attention.dense", width_, width_, i, bias);
      layout_.linear(block + "mlp.dense_h_to_4h", width_, inner, i);
      layout_.linear(block + "mlp.dense_4h_to_h", inner, width_, i);
    }
    layout_.norm("final_layer_norm", width_, depth_);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", false), "embed_in.weight",
                                       "embed_out.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override { return {"score", "GPTNeoXForSequenceClassification"}; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embed_in.weight"], in.x);
    const Tensor positions = token_positions(in);
    const Rotary::Angles angles = rotary_.angles(positions);
    const Mask mask = decoder_mask(in, 0);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in, name, i, positions, angles, mask, given);
      });
    }
    return layer == depth_ ? weights.layer_norm(x, "final_layer_norm", eps_) : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
               const Tensor& x) const {
    const std::int64_t size = width_ / heads_;
    const Tensor normed = weights.layer_norm(x, name + "input_layernorm", eps_);
    const Tensor joined = split_heads(weights.linear(normed, name + "attention.query_key_value"), heads_);
    const auto qkv = joined.split(size, 3);
    const Tensor q = rotary_.turn(qkv[0], angles);
    Tensor k = rotary_.turn(qkv[1], angles), v = qkv[2];
    if (in.cache) std::tie(k, v) = in.cache->update(i, k, v, positions);
    const double scale = 1 / std::sqrt(static_cast<double>(size));
    const Tensor context = merge_heads(attend(in.attention, q, k, v, mask, scale));
    const Tensor attended = weights.linear(context, name + "attention.dense");
    const Tensor inner = weights.linear(
        weights.layer_norm(parallel_ ? x : x + attended, name + "post_attention_layernorm", eps_),
        name + "mlp.dense_h_to_4h");
    return x + attended + weights.linear(activate(activation_, inner), name + "mlp.dense_4h_to_h");
  }

  std::int64_t heads_;
  double eps_;
  std::string activation_;
  bool parallel_;
  Rotary rotary_;
};

W2S_FAMILY(GptNeoX, "gpt_neox");

}  // namespace
}  // namespace w2s::hf
