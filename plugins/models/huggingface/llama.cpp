// Llama (Touvron et al. 2023) and its relatives: rotary positions, RMS norm, gated feed-forward, grouped
// queries. Mistral adds a sliding window, Qwen 2 biases on queries, keys and values, Qwen 3 a norm on queries
// and keys; SmolLM3 leaves every fourth block without positions.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"
#include "rotary.hpp"

namespace w2s::hf {
namespace {

class Llama final : public Family {
 public:
  explicit Llama(const Config& config)
      : Family(Kind::decoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        type_(config.text({"model_type"})),
        heads_(config.size({"num_attention_heads"})),
        key_heads_(key_value_heads(config, heads_, type_ == "mistral" ? 8 : heads_)),
        head_(head_size(config)),
        eps_(config.real({"rms_norm_eps"}, 1e-6)),
        activation_(config.text({"hidden_act"}, "silu")),
        query_norm_(type_ == "qwen3"),
        rotary_(config, head_, 1.0),
        turned_(turned(config)),
        windows_(windows(config)) {
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"intermediate_size"});
    const bool all_biases = type_ != "qwen2" && config.flag("attention_bias", false);
    const bool qkv_bias = type_ == "qwen2" || all_biases;
    const bool mlp_bias = config.flag("mlp_bias", false);
    layout_.prefix = "model.";
    layout_.saves_prefix = true;
    layout_.ignored_prefixes = {"score.", "classifier.", "qa_outputs.", "v_head.", "rotary_emb."};
    layout_.ignored_suffixes = {".rotary_emb.inv_freq"};
    layout_.weight("embed_tokens.weight", {vocabulary_, width_}, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "layers." + std::to_string(i) + ".";
      layout_.norm(block + "input_layernorm", width_, i, false);
      layout_.linear(block + "self_attn.q_proj", width_, heads_ * head_, i, qkv_bias);
      layout_.linear(block + "self_attn.k_proj", width_, key_heads_ * head_, i, qkv_bias);
      layout_.linear(block + "self_attn.v_proj", width_, key_heads_ * head_, i, qkv_bias);
      layout_.linear(block + "self_attn.o_proj", heads_ * head_, width_, i, all_biases);
      if (query_norm_) {
        layout_.norm(block + "self_attn.q_norm", head_, i, false);
        layout_.norm(block + "self_attn.k_norm", head_, i, false);
      }
      layout_.norm(block + "post_attention_layernorm", width_, i, false);
      layout_.linear(block + "mlp.gate_proj", width_, inner, i, mlp_bias);
      layout_.linear(block + "mlp.up_proj", width_, inner, i, mlp_bias);
      layout_.linear(block + "mlp.down_proj", inner, width_, i, mlp_bias);
    }
    layout_.norm("norm", width_, depth_, false);
    output_ = layout_.output_embedding(config.flag("tie_word_embeddings", false), "embed_tokens.weight",
                                       "lm_head.weight", vocabulary_, width_, depth_);
  }

  HeadForm head() const override {
    const std::map<std::string, std::string> names = {{"llama", "Llama"},
                                                      {"mistral", "Mistral"},
                                                      {"qwen2", "Qwen2"},
                                                      {"qwen3", "Qwen3"},
                                                      {"smollm3", "SmolLM3"}};
    return {"score", names.at(type_) + "ForSequenceClassification"};
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embed_tokens.weight"], in.x);
    const Tensor positions = token_positions(in);
    const Rotary::Angles angles = rotary_.angles(positions);
    const Mask full = decoder_mask(in, 0);
    const Mask sliding = window_ > 0 ? decoder_mask(in, window_) : full;
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      const Mask& mask = windows_[static_cast<std::size_t>(i)] ? sliding : full;
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
    const Tensor x = given + attention(weights, in, name + "self_attn.", i, positions, angles, mask,
                                       weights.rms_norm(given, name + "input_layernorm", eps_));
    const Tensor normed = weights.rms_norm(x, name + "post_attention_layernorm", eps_);
    const Tensor gate = activate(activation_, weights.linear(normed, name + "mlp.gate_proj"));
    return x + weights.linear(gate * weights.linear(normed, name + "mlp.up_proj"), name + "mlp.down_proj");
  }

  Tensor attention(const Weights& weights, const Inputs& in, const std::string& module, std::int64_t layer,
                   const Tensor& positions, const Rotary::Angles& angles, const Mask& mask,
                   const Tensor& x) const {
    Tensor q = split_heads(weights.linear(x, module + "q_proj"), heads_);
    Tensor k = split_heads(weights.linear(x, module + "k_proj"), key_heads_);
    Tensor v = split_heads(weights.linear(x, module + "v_proj"), key_heads_);
    if (query_norm_) {
      q = weights.rms_norm(q, module + "q_norm", eps_);
      k = weights.rms_norm(k, module + "k_norm", eps_);
    }
    if (turned_[static_cast<std::size_t>(layer)]) {
      q = rotary_.turn(q, angles);
      k = rotary_.turn(k, angles);
    }
    if (in.cache) std::tie(k, v) = in.cache->update(layer, k, v, positions);
    const double scale = 1 / std::sqrt(static_cast<double>(head_));
    return weights.linear(merge_heads(attend(in.attention, q, k, v, mask, scale)), module + "o_proj");
  }

  std::int64_t head_size(const Config& config) const {
    if (type_ == "qwen3") return config.size({"head_dim"}, 128);
    if (!config.find("head_dim")) check_heads(config, width_, heads_);
    return config.size({"head_dim"}, width_ / heads_);
  }

  // Which blocks turn queries and keys by their positions.
  std::vector<bool> turned(const Config& config) const {
    const auto blocks = static_cast<std::size_t>(depth_);
    std::vector<bool> turned(blocks, true);
    if (type_ != "smollm3") return turned;
    const Value* written = config.find("no_rope_layers");
    const auto interval = static_cast<std::size_t>(config.size({"no_rope_layer_interval"}, 4));
    if (written && (!written->is_list() || written->as_list().size() != blocks))
      config.fail("'no_rope_layers': expected a list with one entry per layer");
    for (std::size_t i = 0; i < blocks; ++i)
      turned[i] = written ? !(written->as_list()[i] == Value(0)) : (i + 1) % interval != 0;
    return turned;
  }

  // Which blocks look at the last `window_` tokens only.
  std::vector<bool> windows(const Config& config) {
    const auto blocks = static_cast<std::size_t>(depth_);
    const bool chosen = type_ != "llama" && type_ != "mistral";
    std::vector<bool> sliding(blocks, false);
    if (type_ == "llama" || (chosen && !config.flag("use_sliding_window", false))) return sliding;
    const Value* written = config.table().find("sliding_window");
    if (written && written->is_null()) return sliding;
    window_ = config.size({"sliding_window"}, 4096);
    if (!chosen) return std::vector<bool>(blocks, true);
    if (config.find("layer_types")) return sliding_blocks(config, depth_);
    if (type_ == "smollm3") {
      sliding = turned_;
      sliding.flip();
      return sliding;
    }
    const auto first = static_cast<std::size_t>(config.size({"max_window_layers"}, 28));
    for (std::size_t i = first; i < blocks; ++i) sliding[i] = true;
    return sliding;
  }

  std::string type_;
  std::int64_t heads_, key_heads_, head_;
  double eps_;
  std::string activation_;
  bool query_norm_;
  Rotary rotary_;
  std::int64_t window_ = 0;
  std::vector<bool> turned_, windows_;
};

W2S_FAMILY(Llama, "llama", "mistral", "qwen2", "qwen3", "smollm3");

}  // namespace
}  // namespace w2s::hf
