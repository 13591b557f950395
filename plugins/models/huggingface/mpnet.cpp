// MPNet (Song et al. 2020): BERT's blocks with RoBERTa's positions and a bias on all blocks' scores by how
// far and on which side the key lies, in buckets (Raffel et al. 2020).
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

constexpr std::int64_t kPadding = 1;     // fixed in the architecture, as are these:
constexpr std::int64_t kBuckets = 32;    // half of them for keys behind the query
constexpr std::int64_t kFarthest = 128;  // from here on all share the last bucket

class MpNet final : public Family {
 public:
  explicit MpNet(const Config& config)
      : Family(Kind::encoder,
               {config.size({"hidden_size"}), block_count(config, {"num_hidden_layers"}),
                config.size({"max_position_embeddings"}) - kPadding - 1, config.size({"vocab_size"})}),
        heads_(config.size({"num_attention_heads"})),
        eps_(config.real({"layer_norm_eps"}, 1e-12)),
        activation_(config.text({"hidden_act"}, "gelu")) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    if (context_ < 1) config.fail("'max_position_embeddings' leaves no room for tokens");
    if (const std::int64_t buckets = config.size({"relative_attention_num_buckets"}, kBuckets);
        buckets != kBuckets)
      config.fail("'relative_attention_num_buckets' = " + std::to_string(buckets) + ": expected " +
                  std::to_string(kBuckets));
    const std::int64_t inner = config.size({"intermediate_size"});
    layout_.prefix = "mpnet.";
    layout_.ignored_prefixes = {"pooler.", "lm_head.", "classifier.", "qa_outputs."};
    layout_.ignored_suffixes = {"embeddings.position_ids"};
    layout_.weight("embeddings.word_embeddings.weight", {vocabulary_, width_}, -1);
    layout_.weight("embeddings.position_embeddings.weight", {context_ + kPadding + 1, width_}, -1);
    layout_.norm("embeddings.LayerNorm", width_, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "encoder.layer." + std::to_string(i) + ".";
      for (const char* map : {"q", "k", "v", "o"})
        layout_.linear(block + "attention.attn." + map, width_, width_, i);
      layout_.norm(block + "attention.LayerNorm", width_, i);
      layout_.linear(block + "intermediate.dense", width_, inner, i);
      layout_.linear(block + "output.dense", inner, width_, i);
      layout_.norm(block + "output.LayerNorm", width_, i);
    }
    layout_.weight("encoder.relative_attention_bias.weight", {kBuckets, heads_}, -1);
  }

  bool packs() const override { return false; }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x =
        at::embedding(weights["embeddings.word_embeddings.weight"], in.x) +
        at::embedding(weights["embeddings.position_embeddings.weight"], counted_positions(in, kPadding));
    x = weights.layer_norm(x, "embeddings.LayerNorm", eps_);
    const Mask mask = encoder_mask(in);
    const Tensor buckets = relative_buckets(in.x);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "encoder.layer." + std::to_string(i) + ".";
      x = run_block(
          in, weights, name, x,
          [=, this](const Tensor& given) { return block(weights, in.attention, name, mask, buckets, given); },
          {"encoder.relative_attention_bias."});
    }
    return x;
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name, const Mask& mask,
               const Tensor& buckets, const Tensor& given) const {
    const std::string module = name + "attention.attn.";
    const Tensor q = split_heads(weights.linear(given, module + "q"), heads_);
    const Tensor k = split_heads(weights.linear(given, module + "k"), heads_);
    const Tensor v = split_heads(weights.linear(given, module + "v"), heads_);
    const Tensor bias = at::embedding(weights["encoder.relative_attention_bias.weight"], buckets);
    const Mask own = biased(mask, bias.permute({2, 0, 1}).unsqueeze(0));
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    const Tensor context = merge_heads(attend(attention, q, k, v, own, scale));
    const Tensor x =
        weights.layer_norm(given + weights.linear(context, module + "o"), name + "attention.LayerNorm", eps_);
    const Tensor inner = activate(activation_, weights.linear(x, name + "intermediate.dense"));
    return weights.layer_norm(x + weights.linear(inner, name + "output.dense"), name + "output.LayerNorm",
                              eps_);
  }

  // [T, T]: a bucket for each place up to half of a side's, then ever wider ones.
  static Tensor relative_buckets(const Tensor& ids) {
    constexpr std::int64_t side = kBuckets / 2, exact = side / 2;
    const Tensor position = at::arange(ids.size(1), ids.options().dtype(at::kLong));
    const Tensor behind = position.unsqueeze(1) - position.unsqueeze(0), away = behind.abs();
    const double doublings = std::log(static_cast<double>(kFarthest) / static_cast<double>(exact));
    const Tensor wide =
        at::log(away.clamp_min(exact).to(at::kFloat) / exact) / doublings * (side - exact) + exact;
    const Tensor bucket = at::where(away.lt(exact), away, wide.to(at::kLong).clamp_max(side - 1));
    return bucket + behind.lt(0).to(at::kLong) * side;
  }

  std::int64_t heads_;
  double eps_;
  std::string activation_;
};

W2S_FAMILY(MpNet, "mpnet");

}  // namespace
}  // namespace w2s::hf
