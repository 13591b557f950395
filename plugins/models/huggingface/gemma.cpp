// Gemma (Gemma Team 2024, 2025): Llama's blocks with scaled embeddings and norms that multiply by 1 + weight.
// Gemma 2 norms what each half of a block adds, caps attention's scores and the logits, and slides every
// second block's window; Gemma 3 norms queries and keys instead of capping, and turns sliding and full blocks
// by different frequencies.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class Gemma final : public Family {
 public:
  explicit Gemma(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        generation_(generation(config.text({"model_type"}))),
        heads_(config.size({"num_attention_heads"})),
        key_heads_(key_value_heads(config, heads_, heads_)),
        head_(config.size({"head_dim"}, 256)),
        eps_(config.real({"rms_norm_eps"}, 1e-6)),
        activation_(config.text({"hidden_activation", "hidden_act"}, "gelu_pytorch_tanh")),
        scale_(1 / std::sqrt(generation_ == 1 ? static_cast<double>(head_)
                                              : config.real({"query_pre_attn_scalar"}, 256.0))),
        score_cap_(cap(config, "attn_logit_softcapping", 50.0)),
        logit_cap_(cap(config, "final_logit_softcapping", 30.0)),
        sliding_(sliding(config)) {
    check_activation(activation_, config.name());
    if (!(scale_ > 0)) config.fail("'query_pre_attn_scalar' must be above 0");
    if (config.flag("use_bidirectional_attention", false))
      config.fail("'use_bidirectional_attention' = true is not supported: Gemma is read as a decoder");
    if (generation_ == 3) {
      rotary_.emplace_back(config, head_, "full_attention", "rope_theta", 1e6, /*scaled=*/true);
      rotary_.emplace_back(config, head_, "sliding_attention", "rope_local_base_freq", 1e4, /*scaled=*/false);
    } else {
      rotary_.emplace_back(config, head_, 1.0);
    }
    const std::int64_t inner = config.size({"intermediate_size"});
    const bool bias = config.flag("attention_bias", false);
    layout_.prefix = "model.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "qa_outputs.", "v_head.", "rotary_emb."};
    layout_.ignored_suffixes = {".rotary_emb.inv_freq"};
    layout_.weight("embed_tokens.weight", {vocabulary_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      layout_.norm(block + "input_layernorm", width_, i, false);
      layout_.linear(block + "self_attn.q_proj", width_, heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.k_proj", width_, key_heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.v_proj", width_, key_heads_ * head_, i, bias);
      layout_.linear(block + "self_attn.o_proj", heads_ * head_, width_, i, bias);
      if (generation_ == 3) {
        layout_.norm(block + "self_attn.q_norm", head_, i, false);
        layout_.norm(block + "self_attn.k_norm", head_, i, false);
      }
      layout_.norm(block + "post_attention_layernorm", width_, i, false);
      if (generation_ > 1) {
        layout_.norm(block + "pre_feedforward_layernorm", width_, i, false);
        layout_.norm(block + "post_feedforward_layernorm", width_, i, false);
      }
      layout_.linear(block + "mlp.gate_proj", width_, inner, i, false);
      layout_.linear(block + "mlp.up_proj", width_, inner, i, false);
      layout_.linear(block + "mlp.down_proj", inner, width_, i, false);
    }
    layout_.norm("norm", width_, depth_, false);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", true), "embed_tokens.weight",
                                       "lm_head.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override {
    const char* names[] = {"Gemma", "Gemma2", "Gemma3Text"};
    return {"score", std::string(names[generation_ - 1]) + "ForSequenceClassification"};
  }
  bool packs() const override { return score_cap_ == 0; }
  Tensor capped_logits(const Tensor& logits) const override {
    return logit_cap_ == 0 ? logits : logit_cap_ * at::tanh(logits / logit_cap_);
  }

  Tensor hidden(const Weights& weights, const Inputs& given_in, std::int64_t layer) const override {
    Inputs in = given_in;
    if (score_cap_ > 0) in.attention = Attention::plain;
    Tensor x = at::embedding(weights["embed_tokens.weight"], in.x);
    x = x * at::scalar_tensor(std::sqrt(static_cast<double>(width_)), x.options());
    const Tensor positions = token_positions(in);
    const Mask masks[] = {decoder_mask(in, 0), decoder_mask(in, window_)};
    std::vector<Rotary::Angles> angles;
    for (const Rotary& rotary : rotary_) angles.push_back(rotary.angles(positions));
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      const bool slides = sliding_[static_cast<std::size_t>(i)];
      const std::size_t kind = slides ? rotary_.size() - 1 : 0;
      const Mask& mask = masks[slides ? 1 : 0];
      x = run_block(in, weights, name, x, [=, this, own = angles[kind]](const Tensor& given) {
        return block(weights, in, name, i, positions, own, mask, given);
      });
    }
    return layer == depth_ ? normed(weights, x, "norm") : x;
  }

 private:
  Tensor block(const Weights& weights, const Inputs& in, const std::string& name, std::int64_t i,
               const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
               const Tensor& given) const {
    const Tensor attended = attention(weights, in, name + "self_attn.", i, positions, angles, mask,
                                      normed(weights, given, name + "input_layernorm"));
    if (generation_ == 1) {
      const Tensor x = given + attended;
      return x + feed_forward(weights, normed(weights, x, name + "post_attention_layernorm"), name + "mlp.");
    }
    const Tensor x = given + normed(weights, attended, name + "post_attention_layernorm");
    const Tensor inner =
        feed_forward(weights, normed(weights, x, name + "pre_feedforward_layernorm"), name + "mlp.");
    return x + normed(weights, inner, name + "post_feedforward_layernorm");
  }

  Tensor attention(const Weights& weights, const Inputs& in, const std::string& module, std::int64_t layer,
                   const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
                   const Tensor& x) const {
    Tensor q = split_heads(weights.linear(x, module + "q_proj"), heads_);
    Tensor k = split_heads(weights.linear(x, module + "k_proj"), key_heads_);
    Tensor v = split_heads(weights.linear(x, module + "v_proj"), key_heads_);
    if (generation_ == 3) {
      q = normed(weights, q, module + "q_norm");
      k = normed(weights, k, module + "k_norm");
    }
    q = rotary_[0].turn(q, angles);
    k = rotary_[0].turn(k, angles);
    if (in.cache) std::tie(k, v) = in.cache->update(layer, k, v, positions);
    const Tensor context = score_cap_ > 0 ? attend_capped(q, k, v, mask, scale_, score_cap_)
                                          : attend(in.attention, q, k, v, mask, scale_);
    return weights.linear(merge_heads(context), module + "o_proj");
  }

  Tensor feed_forward(const Weights& weights, const Tensor& x, const std::string& module) const {
    const Tensor gate = activate(activation_, weights.linear(x, module + "gate_proj"));
    return weights.linear(gate * weights.linear(x, module + "up_proj"), module + "down_proj");
  }

  Tensor normed(const Weights& weights, const Tensor& x, const std::string& module) const {
    const Tensor& weight = weights[module + ".weight"];
    return (root_mean_square_normed(x, eps_) * (1 + weight.to(at::kFloat))).to(x.scalar_type());
  }

  static int generation(const std::string& type) { return type == "gemma" ? 1 : type == "gemma2" ? 2 : 3; }

  // 0: none, as null says; only Gemma 2 caps without being told.
  double cap(const Config& config, const char* key, double fallback) const {
    const Value* written = config.table().find(key);
    if (generation_ == 1 || (written && written->is_null())) return 0;
    const double value = config.real({key}, generation_ == 2 ? fallback : 0.0);
    if (value < 0 || (written && value == 0)) config.fail("'" + std::string(key) + "' must be above 0");
    return value;
  }

  std::vector<bool> sliding(const Config& config) {
    std::vector<bool> sliding(static_cast<std::size_t>(depth_), false);
    const Value* written = config.table().find("sliding_window");
    if (generation_ == 1 || (written && written->is_null())) return sliding;
    window_ = config.size({"sliding_window"}, 4096);
    if (config.find("layer_types")) return sliding_blocks(config, depth_);
    const auto pattern = static_cast<std::size_t>(
        generation_ == 2 ? 2 : config.size({"sliding_window_pattern", "_sliding_window_pattern"}, 6));
    for (std::size_t i = 0; i < sliding.size(); ++i) sliding[i] = (i + 1) % pattern != 0;
    return sliding;
  }

  int generation_;
  std::int64_t heads_, key_heads_, head_;
  double eps_;
  std::string activation_;
  double scale_, score_cap_, logit_cap_;
  std::int64_t window_ = 0;
  std::vector<bool> sliding_;
  std::vector<Rotary> rotary_;  // of full blocks; Gemma 3: and of sliding ones
};

W2S_FAMILY(Gemma, "gemma", "gemma2", "gemma3_text");

}  // namespace
}  // namespace w2s::hf
