// OLMo 2 (Team OLMo 2024): norms on what attention and feed-forward add instead of on what they read, and on
// all queries and keys of a token together.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class Olmo2 final : public Family {
 public:
  explicit Olmo2(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        key_heads_(key_value_heads(config, heads_, heads_)),
        head_(config.size({"head_dim"}, std::max<std::int64_t>(1, width_ / heads_))),
        eps_(config.real({"rms_norm_eps"}, 1e-5)),
        activation_(config.text({"hidden_act"}, "silu")),
        rotary_(config, head_, 1.0) {
    if (!config.find("head_dim")) check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"intermediate_size"});
    const bool bias = config.flag("attention_bias", false);
    layout_.prefix = "model.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "v_head.", "rotary_emb."};
    layout_.ignored_suffixes = {".rotary_emb.inv_freq"};
    layout_.weight("embed_tokens.weight", {vocabulary_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      layout_.linear(block + "self_attn.q_proj", width_, heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.k_proj", width_, key_heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.v_proj", width_, key_heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.o_proj", heads_ * head_, width_, i, bias);
      layout_.norm(block + "self_attn.q_norm", heads_ * head_, i, false);
      layout_.norm(block + "self_attn.k_norm", key_heads_ * head_, i, false);
      layout_.norm(block + "post_attention_layernorm", width_, i, false);
      layout_.norm(block + "post_feedforward_layernorm", width_, i, false);
      layout_.linear(block + "mlp.gate_proj", width_, inner, i, false);
      layout_.linear(block + "mlp.up_proj", width_, inner, i, false);
      layout_.linear(block + "mlp.down_proj", inner, width_, i, false);
    }
    layout_.norm("norm", width_, depth_, false);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", false), "embed_tokens.weight",
                                       "lm_head.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override { return {"score", "Olmo2ForSequenceClassification"}; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embed_tokens.weight"], in.x);
    const Tensor positions = token_positions(in);
    const Rotary::Angles angles = rotary_.angles(positions);
    const Mask mask = decoder_mask(in, 0);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in, name, i, positions, angles, mask, given);
      });
    }
    return layer == depth_ ? normed(weights, x, "norm") : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
               const Tensor& given) const {
    const Tensor attended = attention(weights, in, name + "self_attn.", i, positions, angles, mask, given);
    const Tensor x = given + normed(weights, attended, name + "post_attention_layernorm");
    const Tensor gate = activate(activation_, weights.linear(x, name + "mlp.gate_proj"));
    const Tensor inner =
        weights.linear(gate * weights.linear(x, name + "mlp.up_proj"), name + "mlp.down_proj");
    return x + normed(weights, inner, name + "post_feedforward_layernorm");
  }

  Tensor attention(const Weights& weights, const Inputs& in, const std::string& module, std::int64_t layer,
                   const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
                   const Tensor& x) const {
    Tensor q = split_heads(normed(weights, weights.linear(x, module + "q_proj"), module + "q_norm"), heads_);
    Tensor k =
        split_heads(normed(weights, weights.linear(x, module + "k_proj"), module + "k_norm"), key_heads_);
    Tensor v = split_heads(weights.linear(x, module + "v_proj"), key_heads_);
    q = rotary_.turn(q, angles);
    k = rotary_.turn(k, angles);
    if (in.cache) std::tie(k, v) = in.cache->update(layer, k, v, positions);
    const double scale = 1 / std::sqrt(static_cast<double>(head_));
    return weights.linear(merge_heads(attend(in.attention, q, k, v, mask, scale)), module + "o_proj");
  }

  // Unlike Llama's, the weight multiplies before the result is rounded to a half type.
  Tensor normed(const Weights& weights, const Tensor& x, const std::string& module) const {
    return (weights[module + ".weight"] * root_mean_square_normed(x, eps_)).to(x.scalar_type());
  }

  std::int64_t heads_, key_heads_, head_;
  double eps_;
  std::string activation_;
  Rotary rotary_;
};

W2S_FAMILY(Olmo2, "olmo2");

}  // namespace
}  // namespace w2s::hf
