// ModernBERT (Warner et al. 2024): a pre-norm encoder with rotary positions and gated feed-forward; most
// blocks look at near tokens alone and turn by frequencies of their own.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class ModernBert final : public Family {
 public:
  explicit ModernBert(const Config& config)
      : Family(Kind::encoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        eps_(config.real({"norm_eps"}, 1e-5)),
        activation_(config.text({"hidden_activation"}, "gelu")),
        window_(config.size({"local_attention"}, 128) / 2 + 1),
        near_(near(config)),
        full_turn_(config, width_ / heads_, "full_attention", "global_rope_theta", 160000.0, /*scaled=*/true),
        near_turn_(config, width_ / heads_, "sliding_attention", "local_rope_theta", 10000.0,
                   /*scaled=*/true) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"intermediate_size"});
    const bool norm_bias = config.flag("norm_bias", false),
               attention_bias = config.flag("attention_bias", false);
    const bool mlp_bias = config.flag("mlp_bias", false);
    layout_.prefix = "model.";
    layout_.ignored_prefixes = {"head.", "decoder.", "classifier."};
    layout_.weight("embeddings.tok_embeddings.weight", {vocabulary_, width_}, -1);
    layout_.norm("embeddings.norm", width_, -1, norm_bias);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      if (i > 0) layout_.norm(block + "attn_norm", width_, i, norm_bias);
      layout_.linear(block + "attn.Wqkv", width_, 3 * width_, i, attention_bias);
      layout_.linear(block + "attn.Wo", width_, width_, i, attention_bias);
      layout_.norm(block + "mlp_norm", width_, i, norm_bias);
      layout_.linear(block + "mlp.Wi", width_, 2 * inner, i, mlp_bias);
      layout_.linear(block + "mlp.Wo", inner, width_, i, mlp_bias);
    }
    layout_.norm("final_norm", width_, depth_, norm_bias);
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = weights.layer_norm(at::embedding(weights["embeddings.tok_embeddings.weight"], in.x),
                                  "embeddings.norm", eps_);
    const Tensor positions = token_positions(in);
    const Rotary::Angles full_angles = full_turn_.angles(positions),
                         near_angles = near_turn_.angles(positions);
    const Mask full = encoder_mask(in), near = encoder_mask(in, window_);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      const bool is_near = near_[static_cast<std::size_t>(i)];
      const Mask& mask = is_near ? near : full;
      const Rotary::Angles& angles = is_near ? near_angles : full_angles;
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in.attention, name, angles, mask, given);
      });
    }
    return layer == depth_ ? weights.layer_norm(x, "final_norm", eps_) : x;
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name,
               const Rotary::Angles& angles, const Mask& mask, const Tensor& given) const {
    const bool first = !weights.has(name + "attn_norm.weight");  // embeddings are normed already
    const Tensor normed = first ? given : weights.layer_norm(given, name + "attn_norm", eps_);
    const auto qkv = weights.linear(normed, name + "attn.Wqkv").chunk(3, 2);
    const Tensor q = full_turn_.turn(split_heads(qkv[0], heads_), angles);
    const Tensor k = full_turn_.turn(split_heads(qkv[1], heads_), angles);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    const Tensor context = merge_heads(attend(attention, q, k, split_heads(qkv[2], heads_), mask, scale));
    const Tensor x = given + weights.linear(context, name + "attn.Wo");
    const auto halves =
        weights.linear(weights.layer_norm(x, name + "mlp_norm", eps_), name + "mlp.Wi").chunk(2, -1);
    return x + weights.linear(activate(activation_, halves[0]) * halves[1], name + "mlp.Wo");
  }

  std::vector<bool> near(const Config& config) const {
    if (config.find("layer_types")) return sliding_blocks(config, depth_);
    const std::int64_t interval = config.size({"global_attn_every_n_layers"}, 3);
    std::vector<bool> near;
    for (std::int64_t i = 0; i < depth_; ++i) near.push_back(i % interval != 0);
    return near;
  }

  std::int64_t heads_;
  double eps_;
  std::string activation_;
  std::int64_t window_;
  std::vector<bool> near_;
  Rotary full_turn_, near_turn_;
};

W2S_FAMILY(ModernBert, "modernbert");

}  // namespace
}  // namespace w2s::hf
