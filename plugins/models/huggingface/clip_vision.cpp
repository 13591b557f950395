// The vision towers of CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023), alone or out of a checkpoint
// that has the text tower too: pre-norm blocks over patches. CLIP's feature is its class token, SigLIP's what
// a learned query attends to.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

class VisionTower final : public Family {
 public:
  explicit VisionTower(const Config& whole)
      : VisionTower(whole.find("vision_config") ? whole.nested("vision_config") : whole,
                    whole.text({"model_type"}).starts_with("siglip")) {}

  void check_image(const std::vector<std::int64_t>& shape) const override {
    if (shape.size() == 3 && shape[0] == channels_ && shape[1] >= patch_ && shape[2] >= patch_) return;
    throw UsageError("this model takes images [" + std::to_string(channels_) +
                     ", height, width] of at least " + std::to_string(patch_) + " pixels a side");
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const Tensor& projection = weights["embeddings.patch_embedding.weight"];
    const Tensor bias = siglip_ ? weights["embeddings.patch_embedding.bias"] : Tensor();
    const Tensor grid = at::conv2d(in.x.to(projection.scalar_type()), projection, bias, patch_);
    Tensor x = grid.flatten(2).transpose(1, 2);
    if (!siglip_)
      x = at::cat({weights["embeddings.class_embedding"].expand({in.x.size(0), 1, width_}), x}, 1);
    x = x + grid_positions(weights["embeddings.position_embedding.weight"].unsqueeze(0), siglip_ ? 0 : 1,
                           side_, grid.size(2), grid.size(3));
    if (!siglip_) x = weights.layer_norm(x, "pre_layrnorm", eps_);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "encoder.layers." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x,
                    [=, this](const Tensor& given) { return block(weights, in.attention, name, given); });
    }
    return siglip_ && layer == depth_ ? weights.layer_norm(x, "post_layernorm", eps_) : x;
  }

  // CLIP: the class token, normed after the last layer. SigLIP: the learned query's; before the last layer,
  // and where the checkpoint has none, the mean of the patches.
  Tensor pooled(const Weights& weights, const Tensor& hidden, std::int64_t layer) const override {
    if (!siglip_) {
      const Tensor first = hidden.select(1, 0);
      return layer == depth_ ? weights.layer_norm(first, "post_layernorm", eps_) : first;
    }
    if (layer != depth_ || !weights.has("head.probe")) return hidden.mean(1);
    const auto maps = weights["head.attention.in_proj_weight"].chunk(3, 0);
    const auto biases = weights["head.attention.in_proj_bias"].chunk(3, 0);
    const Tensor probe = weights["head.probe"].expand({hidden.size(0), 1, width_});
    const Tensor q = split_heads(at::linear(probe, maps[0], biases[0]), heads_);
    const Tensor k = split_heads(at::linear(hidden, maps[1], biases[1]), heads_);
    const Tensor v = split_heads(at::linear(hidden, maps[2], biases[2]), heads_);
    const Tensor context = merge_heads(attend(Attention::plain, q, k, v, {}, scale()));
    const Tensor x = weights.linear(context, "head.attention.out_proj");
    return (x + feed_forward(weights, weights.layer_norm(x, "head.layernorm", eps_), "head.mlp."))
        .select(1, 0);
  }

 private:
  VisionTower(const Config& config, bool siglip)
      : Family(Kind::vision,
               {config.size({"hidden_size"}, 768), block_count(config, {"num_hidden_layers"}, 12)}),
        siglip_(siglip),
        heads_(config.size({"num_attention_heads"}, 12)),
        channels_(config.size({"num_channels"}, 3)),
        patch_(config.size({"patch_size"}, siglip ? 16 : 32)),
        side_(config.size({"image_size"}, 224) / patch_),
        eps_(config.real({"layer_norm_eps"}, siglip ? 1e-6 : 1e-5)),
        activation_(config.text({"hidden_act"}, siglip ? "gelu_pytorch_tanh" : "quick_gelu")) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    if (side_ < 1) config.fail("'image_size' is smaller than 'patch_size'");
    const std::int64_t inner = config.size({"intermediate_size"}, 3072);
    layout_.prefix = "vision_model.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"text_model.", "text_projection.", "visual_projection.",
                                "logit_scale", "logit_bias",       "classifier."};
    layout_.ignored_suffixes = {"embeddings.position_ids"};
    if (!siglip_) layout_.weight("embeddings.class_embedding", {width_}, -1);
    layout_.weight("embeddings.patch_embedding.weight", {width_, channels_, patch_, patch_}, -1);
    if (siglip_) layout_.weight("embeddings.patch_embedding.bias", {width_}, -1);
    layout_.weight("embeddings.position_embedding.weight", {side_ * side_ + (siglip_ ? 0 : 1), width_}, -1);
    if (!siglip_) layout_.norm("pre_layrnorm", width_, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "encoder.layers." + std::to_string(i) + ".";
      for (const char* map : {"k_proj", "v_proj", "q_proj", "out_proj"})
        layout_.linear(block + "self_attn." + map, width_, width_, i);
      layout_.norm(block + "layer_norm1", width_, i);
      layout_.linear(block + "mlp.fc1", width_, inner, i);
      layout_.linear(block + "mlp.fc2", inner, width_, i);
      layout_.norm(block + "layer_norm2", width_, i);
    }
    layout_.norm("post_layernorm", width_, depth_);
    if (!siglip_ || !config.flag("vision_use_head", true)) return;
    layout_.weight("head.probe", {1, 1, width_}, depth_);
    layout_.weight("head.attention.in_proj_weight", {3 * width_, width_}, depth_);
    layout_.weight("head.attention.in_proj_bias", {3 * width_}, depth_);
    layout_.linear("head.attention.out_proj", width_, width_, depth_, true, Map::none);
    layout_.norm("head.layernorm", width_, depth_);
    layout_.linear("head.mlp.fc1", width_, inner, depth_, true, Map::none);
    layout_.linear("head.mlp.fc2", inner, width_, depth_, true, Map::none);
  }

  double scale() const { return 1 / std::sqrt(static_cast<double>(width_ / heads_)); }

  Tensor block(const Weights& weights, Attention attention, const std::string& name,
               const Tensor& given) const {
    const std::string module = name + "self_attn.";
    const Tensor normed = weights.layer_norm(given, name + "layer_norm1", eps_);
    const Tensor q = split_heads(weights.linear(normed, module + "q_proj"), heads_);
    const Tensor k = split_heads(weights.linear(normed, module + "k_proj"), heads_);
    const Tensor v = split_heads(weights.linear(normed, module + "v_proj"), heads_);
    const Tensor context = merge_heads(attend(attention, q, k, v, {}, scale()));
    const Tensor x = given + weights.linear(context, module + "out_proj");
    return x + feed_forward(weights, weights.layer_norm(x, name + "layer_norm2", eps_), name + "mlp.");
  }

  Tensor feed_forward(const Weights& weights, const Tensor& x, const std::string& module) const {
    return weights.linear(activate(activation_, weights.linear(x, module + "fc1")), module + "fc2");
  }

  bool siglip_;
  std::int64_t heads_, channels_, patch_, side_;
  double eps_;
  std::string activation_;
};

W2S_FAMILY(VisionTower, "clip", "clip_vision_model", "siglip", "siglip_vision_model");

}  // namespace
}  // namespace w2s::hf
