// DeBERTa v2 and v3 (He et al. 2021, 2023): attention scores are the sum of content to content, content to
// relative position and relative position to content; far positions share buckets.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

class DebertaV2 final : public Family {
 public:
  explicit DebertaV2(const Config& config)
      : Family(Kind::encoder, {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                               config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        eps_(config.real({"layer_norm_eps"}, 1e-7)),
        activation_(config.text({"hidden_act"}, "gelu")),
        relative_(config.flag("relative_attention", false)),
        shared_(config.flag("share_att_key", false)),
        buckets_(std::max<std::int64_t>(0, config.token("position_buckets"))),
        farthest_(config.token("max_relative_positions")) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    if (config.token("conv_kernel_size") > 0)
      config.fail("'conv_kernel_size': a convolution after the first layer is not supported");
    if (farthest_ < 1) farthest_ = context_;
    if (buckets_ == 1 || (buckets_ > 0 && farthest_ - 1 <= buckets_ / 2))
      config.fail("'position_buckets' = " + std::to_string(buckets_) +
                  ": expected 2 or more, and fewer than " + "twice the " + std::to_string(farthest_) +
                  " relative positions");
    span_ = buckets_ > 0 ? buckets_ : farthest_;
    read_terms(config);
    const std::int64_t inner = config.size({"intermediate_size"});
    const std::int64_t embedding = config.size({"embedding_size"}, width_);
    const std::int64_t types = std::max<std::int64_t>(0, config.token("type_vocab_size"));
    const bool positions = config.flag("position_biased_input", true);
    layout_.prefix = "deberta.";
    layout_.ignored_prefixes = {
        "pooler.", "cls.", "lm_head.", "classifier.", "qa_outputs.", "lm_predictions.", "mask_predictions."};
    if (!positions) layout_.ignored_prefixes.push_back("embeddings.position_embeddings.");
    layout_.ignored_suffixes = {"embeddings.position_ids"};
    layout_.weight("embeddings.word_embeddings.weight", {vocabulary_, embedding}, -1);
    if (positions) layout_.weight("embeddings.position_embeddings.weight", {context_, embedding}, -1);
    if (types > 0) layout_.weight("embeddings.token_type_embeddings.weight", {types, embedding}, -1);
    if (embedding != width_) layout_.linear("embeddings.embed_proj", embedding, width_, -1, false, Map::none);
    layout_.norm("embeddings.LayerNorm", width_, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "encoder.layer." + std::to_string(i) + ".";
      for (const char* map : {"query_proj", "key_proj", "value_proj"})
        layout_.linear(block + "attention.self." + map, width_, width_, i);
      if (relative_ && !shared_) {
        if (to_position_) layout_.linear(block + "attention.self.pos_key_proj", width_, width_, i);
        if (from_position_) layout_.linear(block + "attention.self.pos_query_proj", width_, width_, i);
      }
      layout_.linear(block + "attention.output.dense", width_, width_, i);
      layout_.norm(block + "attention.output.LayerNorm", width_, i);
      layout_.linear(block + "intermediate.dense", width_, inner, i);
      layout_.linear(block + "output.dense", inner, width_, i);
      layout_.norm(block + "output.LayerNorm", width_, i);
    }
    if (!relative_) return;
    layout_.weight("encoder.rel_embeddings.weight", {2 * span_, width_}, -1);
    if (config.text({"norm_rel_ebd"}, "none").find("layer_norm") != std::string::npos)
      layout_.norm("encoder.LayerNorm", width_, -1);
  }

  bool packs() const override { return !relative_; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embeddings.word_embeddings.weight"], in.x);
    if (weights.has("embeddings.position_embeddings.weight"))
      x = x + at::embedding(weights["embeddings.position_embeddings.weight"], token_positions(in));
    if (weights.has("embeddings.token_type_embeddings.weight"))
      x = x + weights["embeddings.token_type_embeddings.weight"][0];
    if (weights.has("embeddings.embed_proj.weight")) x = weights.linear(x, "embeddings.embed_proj");
    x = weights.layer_norm(x, "embeddings.LayerNorm", eps_);
    const Mask mask = encoder_mask(in);
    const Tensor places = relative_ ? relative_places(in.x) : Tensor();
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "encoder.layer." + std::to_string(i) + ".";
      x = run_block(
          in, weights, name, x,
          [=, this](const Tensor& given) { return block(weights, in.attention, name, mask, places, given); },
          {"encoder.rel_embeddings.", "encoder.LayerNorm."});
    }
    return x;
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name, const Mask& mask,
               const Tensor& places, const Tensor& given) const {
    const std::string module = name + "attention.self.";
    const Tensor q = split_heads(weights.linear(given, module + "query_proj"), heads_);
    const Tensor k = split_heads(weights.linear(given, module + "key_proj"), heads_);
    const Tensor v = split_heads(weights.linear(given, module + "value_proj"), heads_);
    const int terms = 1 + (to_position_ ? 1 : 0) + (from_position_ ? 1 : 0);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_ * terms));
    const Mask own =
        relative_ && terms > 1 ? biased(mask, position_scores(weights, module, q, k, places) * scale) : mask;
    const Tensor context = merge_heads(attend(attention, q, k, v, own, scale));
    const Tensor x = weights.layer_norm(given + weights.linear(context, name + "attention.output.dense"),
                                        name + "attention.output.LayerNorm", eps_);
    const Tensor inner = activate(activation_, weights.linear(x, name + "intermediate.dense"));
    return weights.layer_norm(x + weights.linear(inner, name + "output.dense"), name + "output.LayerNorm",
                              eps_);
  }

  // [R, H, T, T]: each query against the embedding of where the key lies, each key against that of where the
  // query lies.
  Tensor position_scores(const Weights& weights, const std::string& module, const Tensor& q, const Tensor& k,
                         const Tensor& places) const {
    Tensor embeddings = weights["encoder.rel_embeddings.weight"];
    if (weights.has("encoder.LayerNorm.weight"))
      embeddings = weights.layer_norm(embeddings, "encoder.LayerNorm", eps_);
    const auto mapped = [&](const char* own, const char* common) {
      return split_heads(weights.linear(embeddings.unsqueeze(0), module + (shared_ ? common : own)), heads_);
    };
    const auto looked_up = [&](const Tensor& x, const Tensor& table, const Tensor& index) {
      return at::matmul(x, table.transpose(2, 3))
          .gather(3, index.expand({x.size(0), x.size(1), index.size(0), index.size(1)}));
    };
    Tensor scores;
    if (to_position_) scores = looked_up(q, mapped("pos_key_proj", "key_proj"), places);
    if (from_position_) {
      const Tensor from = looked_up(k, mapped("pos_query_proj", "query_proj"), places.t()).transpose(2, 3);
      scores = scores.defined() ? scores + from : from;
    }
    return scores;
  }

  // [T, T], row of the embeddings of relative positions for a query and a key. Near positions have their own,
  // far ones share theirs, the more the farther.
  Tensor relative_places(const Tensor& ids) const {
    const Tensor position = at::arange(ids.size(1), ids.options().dtype(at::kLong));
    Tensor relative = position.unsqueeze(1) - position.unsqueeze(0);
    if (buckets_ > 0) {
      const std::int64_t near = buckets_ / 2;
      const Tensor away = relative.abs().clamp_min(near);
      const Tensor all = at::scalar_tensor(static_cast<double>(farthest_ - 1) / static_cast<double>(near),
                                           ids.options().dtype(at::kFloat));
      const Tensor bucket = at::ceil(at::log(away / near) / at::log(all) * (near - 1)) + near;
      relative = at::where(relative.abs().le(near), relative, bucket.to(at::kLong) * relative.sign());
    }
    return (relative + span_).clamp(0, 2 * span_ - 1);
  }

  // `pos_att_type`: a list or "c2p|p2c".
  void read_terms(const Config& config) {
    std::string terms;
    const Value* written = config.find("pos_att_type");
    if (written && written->is_list()) {
      for (const Value& term : written->as_list()) terms += (term.is_string() ? term.as_string() : "?") + "|";
    } else {
      terms = config.text({"pos_att_type"}, "") + "|";
    }
    for (std::size_t begin = 0, end; (end = terms.find('|', begin)) != std::string::npos; begin = end + 1) {
      const std::string term = terms.substr(begin, end - begin);
      to_position_ = to_position_ || term == "c2p";
      from_position_ = from_position_ || term == "p2c";
      if (!term.empty() && term != "c2p" && term != "p2c")
        config.fail("'pos_att_type': unknown term '" + term + "'; expected 'c2p' and 'p2c'");
    }
  }

  std::int64_t heads_;
  double eps_;
  std::string activation_;
  bool relative_, shared_;
  bool to_position_ = false, from_position_ = false;
  std::int64_t buckets_, farthest_, span_ = 0;
};

W2S_FAMILY(DebertaV2, "deberta-v2");

}  // namespace
}  // namespace w2s::hf
