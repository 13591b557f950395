// GPT-2 (Radford et al. 2019): learned positions, pre-norm blocks, fused query-key-value maps stored [in,
// out].
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

class Gpt2 final : public Family {
 public:
  explicit Gpt2(const Config& config)
      : Family(
            Kind::decoder,
            {config.size({"n_embd", "hidden_size"}), block_count(config, {"n_layer", "num_hidden_layers"}),
             config.size({"n_positions", "n_ctx", "max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"n_head", "num_attention_heads"})),
        eps_(config.real({"layer_norm_epsilon"}, 1e-5)),
        activation_(config.text({"activation_function"}, "gelu_new")),
        scaled_(config.flag("scale_attn_weights", true)),
        scaled_by_depth_(config.flag("scale_attn_by_inverse_layer_idx", false)) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"n_inner"}, 4 * width_);
    layout_.prefix = "transformer.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "multiple_choice_head.", "summary.", "v_head."};
    layout_.ignored_suffixes = {".attn.bias", ".attn.masked_bias"};
    layout_.weight("wte.weight", {vocabulary_, width_}, -1);
    layout_.weight("wpe.weight", {context_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "h." + std::to_string(i) + ".";
      layout_.norm(block + "ln_1", width_, i);
      layout_.linear(block + "attn.c_attn", width_, 3 * width_, i, true, Map::transposed);
      layout_.linear(block + "attn.c_proj", width_, width_, i, true, Map::transposed);
      layout_.norm(block + "ln_2", width_, i);
      layout_.linear(block + "mlp.c_fc", width_, inner, i, true, Map::transposed);
      layout_.linear(block + "mlp.c_proj", inner, width_, i, true, Map::transposed);
    }
    layout_.norm("ln_f", width_, depth_);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", true), "wte.weight",
                                       "lm_head.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override { return {"score", "GPT2ForSequenceClassification"}; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const Tensor positions = token_positions(in);
    Tensor x = at::embedding(weights["wte.weight"], in.x) + at::embedding(weights["wpe.weight"], positions);
    const Mask mask = decoder_mask(in, 0);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "h." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in, name, i, positions, mask, given);
      });
    }
    return layer == depth_ ? weights.layer_norm(x, "ln_f", eps_) : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Mask& mask, const Tensor& given) const {
    const Tensor normed = weights.layer_norm(given, name + "ln_1", eps_);
    const auto qkv = weights.transposed(normed, name + "attn.c_attn").split(width_, 2);
    const Tensor q = split_heads(qkv[0], heads_);
    Tensor k = split_heads(qkv[1], heads_), v = split_heads(qkv[2], heads_);
    if (in.cache) std::tie(k, v) = in.cache->update(i, k, v, positions);
    const Tensor context = merge_heads(attend(in.attention, q, k, v, mask, scale(i)));
    const Tensor x = given + weights.transposed(context, name + "attn.c_proj");
    const Tensor inner = weights.transposed(weights.layer_norm(x, name + "ln_2", eps_), name + "mlp.c_fc");
    return x + weights.transposed(activate(activation_, inner), name + "mlp.c_proj");
  }

  double scale(std::int64_t block) const {
    const double by_size = scaled_ ? 1 / std::sqrt(static_cast<double>(width_ / heads_)) : 1.0;
    return scaled_by_depth_ ? by_size / static_cast<double>(block + 1) : by_size;
  }

  std::int64_t heads_;
  double eps_;
  std::string activation_;
  bool scaled_, scaled_by_depth_;
};

W2S_FAMILY(Gpt2, "gpt2");

}  // namespace
}  // namespace w2s::hf
