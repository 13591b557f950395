// Vision transformers: ViT (Dosovitskiy et al. 2021; DINO's checkpoints too) and DINOv2 (Oquab et al. 2023),
// which adds layer scale and, in its largest size, a gated feed-forward.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

class VisionTransformer final : public Family {
 public:
  explicit VisionTransformer(const Config& config)
      : Family(Kind::vision, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"})}),
        dino_(config.text({"model_type"}) == "dinov2"),
        heads_(config.size({"num_attention_heads"})),
        channels_(config.size({"num_channels"}, 3)),
        patch_(config.size({"patch_size"})),
        side_(config.size({"image_size"}) / patch_),
        eps_(config.real({"layer_norm_eps"}, dino_ ? 1e-6 : 1e-12)),
        activation_(config.text({"hidden_act"}, "gelu")),
        pooler_activation_(config.text({"pooler_act"}, "tanh")),
        gated_(dino_ && config.flag("use_swiglu_ffn", false)) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    check_activation(pooler_activation_, config.name());
    if (side_ < 1) config.fail("'image_size' is smaller than 'patch_size'");
    layout_.prefix = dino_ ? "dinov2." : "vit.";
    layout_.ignored_prefixes = {"classifier.", "decoder.", "embeddings.mask_token"};
    layout_.weight("embeddings.cls_token", {1, 1, width_}, -1);
    layout_.weight("embeddings.position_embeddings", {1, 1 + side_ * side_, width_}, -1);
    layout_.weight("embeddings.patch_embeddings.projection.weight", {width_, channels_, patch_, patch_}, -1);
    layout_.weight("embeddings.patch_embeddings.projection.bias", {width_}, -1);
    const bool bias = config.flag("qkv_bias", true);
    const double ratio = config.real({"mlp_ratio"}, 4.0);
    if (ratio <= 0 || ratio > 1024)
      config.fail("'mlp_ratio' is out of range: expected a number in (0, 1024]");
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "encoder.layer." + std::to_string(i) + ".";
      layout_.norm(block + first_norm(), width_, i);
      for (const char* map : {"query", "key", "value"}) {
        layout_.linear(block + "attention.attention." + map, width_, width_, i, bias);
      }
      layout_.linear(block + "attention.output.dense", width_, width_, i);
      layout_.norm(block + second_norm(), width_, i);
      if (dino_) {
        layout_.weight(block + "layer_scale1.lambda1", {width_}, i);
        layout_.weight(block + "layer_scale2.lambda1", {width_}, i);
        const auto inner = static_cast<std::int64_t>(static_cast<double>(width_) * ratio);
        if (gated_) {
          const std::int64_t gate = (inner * 2 / 3 + 7) / 8 * 8;
          layout_.linear(block + "mlp.weights_in", width_, 2 * gate, i);
          layout_.linear(block + "mlp.weights_out", gate, width_, i);
        } else {
          layout_.linear(block + "mlp.fc1", width_, inner, i);
          layout_.linear(block + "mlp.fc2", inner, width_, i);
        }
      } else {
        const std::int64_t inner = config.size({"intermediate_size"});
        layout_.linear(block + "intermediate.dense", width_, inner, i);
        layout_.linear(block + "output.dense", inner, width_, i);
      }
    }
    layout_.norm("layernorm", width_, depth_);
    if (dino_) return;
    layout_.linear("pooler.dense", width_, width_, depth_, true, Map::none);
    for (std::size_t i = layout_.tensors.size() - 2; i < layout_.tensors.size(); ++i) {
      layout_.tensors[i].optional = true;
    }
  }

  void check_image(const std::vector<std::int64_t>& shape) const override {
    if (shape.size() == 3 && shape[0] == channels_ && shape[1] >= patch_ && shape[2] >= patch_) return;
    throw UsageError("this model takes images [" + std::to_string(channels_) +
                     ", height, width] of at least " + std::to_string(patch_) + " pixels a side");
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const std::int64_t rows = in.x.size(0);
    const Tensor& projection = weights["embeddings.patch_embeddings.projection.weight"];
    const Tensor patches = at::conv2d(in.x.to(projection.scalar_type()), projection,
                                      weights["embeddings.patch_embeddings.projection.bias"], patch_);
    const Tensor first = weights["embeddings.cls_token"].expand({rows, 1, width_});
    Tensor x =
        at::cat({first, patches.flatten(2).transpose(1, 2)}, 1) +
        grid_positions(weights["embeddings.position_embeddings"], 1, side_, patches.size(2), patches.size(3));
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "encoder.layer." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x,
                    [=, this](const Tensor& given) { return block(weights, in.attention, name, given); });
    }
    return layer == depth_ ? weights.layer_norm(x, "layernorm", eps_) : x;
  }

  // The first token; after the last layer of a ViT with a pooler, through it.
  Tensor pooled(const Weights& weights, const Tensor& hidden, std::int64_t layer) const override {
    const Tensor first = hidden.select(1, 0);
    if (layer != depth_ || !weights.has("pooler.dense.weight")) return first;
    return activate(pooler_activation_, weights.linear(first, "pooler.dense"));
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name,
               const Tensor& given) const {
    const std::string module = name + "attention.attention.";
    const Tensor normed = weights.layer_norm(given, name + first_norm(), eps_);
    const Tensor q = split_heads(weights.linear(normed, module + "query"), heads_);
    const Tensor k = split_heads(weights.linear(normed, module + "key"), heads_);
    const Tensor v = split_heads(weights.linear(normed, module + "value"), heads_);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    const Tensor context = merge_heads(attend(attention, q, k, v, {}, scale));
    const Tensor x = given + scaled(weights, weights.linear(context, name + "attention.output.dense"),
                                    name + "layer_scale1");
    const Tensor inner = feed_forward(weights, weights.layer_norm(x, name + second_norm(), eps_), name);
    return x + scaled(weights, inner, name + "layer_scale2");
  }

  std::string first_norm() const { return dino_ ? "norm1" : "layernorm_before"; }
  std::string second_norm() const { return dino_ ? "norm2" : "layernorm_after"; }

  Tensor scaled(const Weights& weights, const Tensor& x, const std::string& module) const {
    return dino_ ? x * weights[module + ".lambda1"] : x;
  }

  Tensor feed_forward(const Weights& weights, const Tensor& x, const std::string& block) const {
    if (gated_) {
      const auto halves = weights.linear(x, block + "mlp.weights_in").chunk(2, -1);
      return weights.linear(at::silu(halves[0]) * halves[1], block + "mlp.weights_out");
    }
    const std::string in = block + (dino_ ? "mlp.fc1" : "intermediate.dense");
    const std::string out = block + (dino_ ? "mlp.fc2" : "output.dense");
    return weights.linear(activate(activation_, weights.linear(x, in)), out);
  }

  bool dino_;
  std::int64_t heads_, channels_, patch_, side_;
  double eps_;
  std::string activation_, pooler_activation_;
  bool gated_;
};

W2S_FAMILY(VisionTransformer, "dinov2", "vit");

}  // namespace
}  // namespace w2s::hf
