// DistilBERT (Sanh et al. 2019): BERT without token types and pooler.
#include <cmath>

#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

constexpr double kDistilBertEps = 1e-12;  // fixed in the architecture

class DistilBert final : public Family {
 public:
  explicit DistilBert(const Config& config)
      : Family(Kind::encoder,
               {config.size({"dim", "hidden_size"}), block_count(config, {"n_layers", "num_hidden_layers"}),
                config.size({"max_position_embeddings"}), config.size({"vocab_size"})}),
        heads_(config.size({"n_heads", "num_attention_heads"})),
        activation_(config.text({"activation"}, "gelu")) {
    check_heads(config, width_, heads_);
    check_activation(activation_, config.name());
    const std::int64_t inner = config.size({"hidden_dim"});
    layout_.prefix = "distilbert.";
    layout_.ignored_prefixes = {"vocab_transform.", "vocab_layer_norm.", "vocab_projector.",
                                "pre_classifier.",  "classifier.",       "qa_outputs."};
    layout_.ignored_suffixes = {"embeddings.position_ids"};
    layout_.weight("embeddings.word_embeddings.weight", {vocabulary_, width_}, -1);
    layout_.weight("embeddings.position_embeddings.weight", {context_, width_}, -1);
    layout_.norm("embeddings.LayerNorm", width_, -1);
    for (std::int64_t i = 0; i < depth_; ++i) {
      const std::string block = "transformer.layer." + std::to_string(i) + ".";
      for (const char* map : {"q_lin", "k_lin", "v_lin", "out_lin"}) {
        layout_.linear(block + "attention." + map, width_, width_, i);
      }
      layout_.norm(block + "sa_layer_norm", width_, i);
      layout_.linear(block + "ffn.lin1", width_, inner, i);
      layout_.linear(block + "ffn.lin2", inner, width_, i);
      layout_.norm(block + "output_layer_norm", width_, i);
    }
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    Tensor x = at::embedding(weights["embeddings.word_embeddings.weight"], in.x) +
               at::embedding(weights["embeddings.position_embeddings.weight"], token_positions(in));
    x = weights.layer_norm(x, "embeddings.LayerNorm", kDistilBertEps);
    const Mask mask = encoder_mask(in);
    for (std::int64_t i = 0; i < layer; ++i) {
      const std::string name = "transformer.layer." + std::to_string(i) + ".";
      x = run_block(in, weights, name, x, [=, this](const Tensor& given) {
        return block(weights, in.attention, name, mask, given);
      });
    }
    return x;
  }

 private:
  Tensor block(const Weights& weights, Attention attention, const std::string& name, const Mask& mask,
               const Tensor& given) const {
    const Tensor q = split_heads(weights.linear(given, name + "attention.q_lin"), heads_);
    const Tensor k = split_heads(weights.linear(given, name + "attention.k_lin"), heads_);
    const Tensor v = split_heads(weights.linear(given, name + "attention.v_lin"), heads_);
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    const Tensor context = merge_heads(attend(attention, q, k, v, mask, scale));
    const Tensor x = weights.layer_norm(given + weights.linear(context, name + "attention.out_lin"),
                                        name + "sa_layer_norm", kDistilBertEps);
    const Tensor inner = activate(activation_, weights.linear(x, name + "ffn.lin1"));
    return weights.layer_norm(x + weights.linear(inner, name + "ffn.lin2"), name + "output_layer_norm",
                              kDistilBertEps);
  }

  std::int64_t heads_;
  std::string activation_;
};

W2S_FAMILY(DistilBert, "distilbert");

}  // namespace
}  // namespace w2s::hf
