// OPT (Zhang et al. 2022): learned positions that begin at 2; blocks with their norms before (most sizes) or
// after (350m, whose embeddings are narrower than its states and are projected both ways).
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

constexpr std::int64_t kFirstPosition = 2;
constexpr double kEps = 1e-5;  // fixed in the architecture

class Opt final : public Family {
 public:
  explicit Opt(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        embedding_(config.size({"word_embed_proj_dim"}, width_)),
        activation_(config.text({"activation_function"}, "relu")),
        norm_first_(config.flag("do_layer_norm_before", true)),
        final_norm_(norm_first_ && !config.flag("_remove_final_layer_norm", false)) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"ffn_dim"});
    const bool bias = config.flag("enable_bias", true);
    const bool weighted = config.flag("layer_norm_elementwise_affine", true);
    const auto norm = [&](const std::string& module, std::int64_t block) {
      if (weighted) layout_.norm(module, width_, block);
    };
    layout_.prefix = "model.decoder.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "qa_outputs.", "v_head."};
    layout_.weight("embed_tokens.weight", {vocabulary_, embedding_}, -1);
    layout_.weight("embed_positions.weight", {context_ + kFirstPosition, width_}, -1);
    if (embedding_ != width_) layout_.linear("project_in", embedding_, width_, -1, false, Map::none);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      for (const char* map : {"k_proj", "v_proj", "q_proj", "out_proj"})
        layout_.linear(block + "self_attn." + map, width_, width_, i, bias);
      norm(block + "self_attn_layer_norm", i);
      layout_.linear(block + "fc1", width_, inner, i, bias);
      layout_.linear(block + "fc2", inner, width_, i, bias);
      norm(block + "final_layer_norm", i);
    }
    if (final_norm_) norm("final_layer_norm", depth_);
    if (embedding_ != width_) layout_.linear("project_out", width_, embedding_, depth_, false, Map::none);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", true), "embed_tokens.weight",
                                       "lm_head.weight", vocabulary_, embedding_, depth_);
  }

  std::int64_t width(std::int64_t layer) const override { return layer == depth_ ? embedding_ : width_; }
  HeadForm head() const override { return {"score", "OPTForSequenceClassification"}; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const Tensor positions = token_positions(in);
    Tensor x = at::embedding(weights["embed_tokens.weight"], in.x);
    if (embedding_ != width_) x = weights.linear(x, "project_in");
    x = x + at::embedding(weights["embed_positions.weight"], positions + kFirstPosition);
    const Mask mask = decoder_mask(in, 0);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in, name, i, positions, mask, given);
      });
    }
    if (layer < depth_) return x;
    if (final_norm_) x = weights.layer_norm(x, "final_layer_norm", kEps);
    return embedding_ != width_ ? weights.linear(x, "project_out") : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Mask& mask, const Tensor& given) const {
    const auto before = [&](const Tensor& x, const char* norm) {
      return norm_first_ ? weights.layer_norm(x, name + norm, kEps) : x;
    };
    const auto after = [&](const Tensor& x, const char* norm) {
      return norm_first_ ? x : weights.layer_norm(x, name + norm, kEps);
    };
    const Tensor x = after(given + attention(weights, in, name + "self_attn.", i, positions, mask,
                                             before(given, "self_attn_layer_norm")),
                           "self_attn_layer_norm");
    const Tensor inner = activate(activation_, weights.linear(before(x, "final_layer_norm"), name + "fc1"));
    return after(x + weights.linear(inner, name + "fc2"), "final_layer_norm");
  }

  Tensor attention(const Weights& weights, const Inputs& in, const std::string& module, std::int64_t layer,
                   const Tensor& positions, const Mask& mask, const Tensor& x) const {
    const Tensor q = split_heads(weights.linear(x, module + "q_proj"), heads_);
    Tensor k = split_heads(weights.linear(x, module + "k_proj"), heads_);
    Tensor v = split_heads(weights.linear(x, module + "v_proj"), heads_);
    if (in.cache) std::tie(k, v) = in.cache->update(layer, k, v, positions);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    return weights.linear(merge_heads(attend(in.attention, q, k, v, mask, scale)), module + "out_proj");
  }

  std::int64_t heads_, embedding_;
  std::string activation_;
  bool norm_first_, final_norm_;
};

W2S_FAMILY(Opt, "opt");

}  // namespace
}  // namespace w2s::hf
