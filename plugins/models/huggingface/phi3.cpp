// Phi-3 (Abdin et al. 2024; Phi-3.5 and Phi-4-mini too): Llama's blocks with queries, keys and values in one
// map, gate and up in another, and a sliding window on all blocks.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class Phi3 final : public Family {
 public:
  explicit Phi3(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        key_heads_(key_value_heads(config, heads_, heads_)),
        head_(config.size({"head_dim"}, std::max<std::int64_t>(1, width_ / heads_))),
        eps_(config.real({"rms_norm_eps"}, 1e-5)),
        activation_(config.text({"hidden_act"}, "silu")),
        window_(config.find("sliding_window") ? config.size({"sliding_window"}) : 0),
        rotary_(config, head_, 1.0) {
    if (!config.find("head_dim")) check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    context_ = std::min(context_, rotary_.context(context_));
    const std::int64_t inner = config.size({"intermediate_size"});
    layout_.prefix = "model.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "v_head.", "rotary_emb."};
    layout_.ignored_suffixes = {".rotary_emb.inv_freq"};
    layout_.weight("embed_tokens.weight", {vocabulary_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      layout_.norm(block + "input_layernorm", width_, i, false);
      layout_.linear(block + "self_attn.qkv_proj", width_, (heads_ + 2 * key_heads_) * head_, i, false);
      layout_.linear(block + "self_attn.o_proj", heads_ * head_, width_, i, false);
      layout_.norm(block + "post_attention_layernorm", width_, i, false);
      layout_.linear(block + "mlp.gate_up_proj", width_, 2 * inner, i, false);
      layout_.linear(block + "mlp.down_proj", inner, width_, i, false);
    }
    layout_.norm("norm", width_, depth_, false);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", false), "embed_tokens.weight",
                                       "lm_head.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override { return {"score", "Phi3ForSequenceClassification"}; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embed_tokens.weight"], in.x);
    const Tensor positions = token_positions(in);
    const Rotary::Angles angles = rotary_.angles(positions);
    const Mask mask = decoder_mask(in, window_);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in, name, i, positions, angles, mask, given);
      });
    }
    return layer == depth_ ? weights.rms_norm(x, "norm", eps_) : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
               const Tensor& given) const {
    const Tensor normed = weights.rms_norm(given, name + "input_layernorm", eps_);
    const auto qkv = weights.linear(normed, name + "self_attn.qkv_proj")
                         .split_with_sizes({heads_ * head_, key_heads_ * head_, key_heads_ * head_}, 2);
    const Tensor q = rotary_.turn(split_heads(qkv[0], heads_), angles);
    Tensor k = rotary_.turn(split_heads(qkv[1], key_heads_), angles), v = split_heads(qkv[2], key_heads_);
    if (in.cache) std::tie(k, v) = in.cache->update(i, k, v, positions);
    const double scale = 1 / std::sqrt(static_cast<double>(head_));
    const Tensor context = merge_heads(attend(in.attention, q, k, v, mask, scale));
    const Tensor x = given + weights.linear(context, name + "self_attn.o_proj");
    const auto halves =
        weights
            .linear(weights.rms_norm(x, name + "post_attention_layernorm", eps_), name + "mlp.gate_up_proj")
            .chunk(2, -1);
    return x + weights.linear(activate(activation_, halves[0]) * halves[1], name + "mlp.down_proj");
  }

  std::int64_t heads_, key_heads_, head_;
  double eps_;
  std::string activation_;
  std::int64_t window_;
  Rotary rotary_;
};

W2S_FAMILY(Phi3, "phi3");

}  // namespace
}  // namespace w2s::hf
