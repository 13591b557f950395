// Family: an architecture as a function of (weights, inputs).
//
// One object is one configuration of it; it holds no tensors. make_family picks
// the family by config.json's model_type.
#pragma once

#include <memory>

#include "attention.hpp"
#include "cache.hpp"
#include "config.hpp"
#include "layout.hpp"
#include "weights.hpp"

namespace w2s::hf {

struct Inputs {
  Tensor x;          ///< int64 token ids [R, T], or images [R, channels, height, width]
  Tensor real;       ///< bool [R, T], true at tokens; undefined where nothing is padded
  Tensor positions;  ///< packed sequences, decoders with a cache: int64 [R, T]; else undefined, 0 … T − 1
  std::shared_ptr<const Offsets> sequences;  ///< set: x [1, N] holds several sequences end to end
  Attention attention = Attention::plain;
  KeyValueCache* cache = nullptr;  ///< decoders: generation
  bool checkpoint_blocks = false;  ///< training: blocks drop their activations, see recompute.hpp
};

class Family {
 public:
  enum class Kind { decoder, encoder, vision };

  virtual ~Family() = default;
  virtual Kind kind() const = 0;
  virtual std::int64_t depth() const = 0;
  /// Size of a feature of layer 0 (embeddings) … depth.
  virtual std::int64_t width(std::int64_t layer) const = 0;
  /// Most tokens that a row may have.
  virtual std::int64_t context() const { return 0; }
  /// Token ids are below this; 0 for images.
  virtual std::int64_t vocabulary() const { return 0; }

  /// Hidden states after `layer` blocks; with layer = depth after the final norm. Text [R, T, D], patches
  /// [R, 1 + P, D], feature maps [R, D, h, w].
  virtual Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const = 0;
  /// Images: one vector per row from such hidden states, [R, D].
  virtual Tensor pooled(const Weights& weights, const Tensor& hidden, std::int64_t layer) const;
  /// Decoders: full name of the output embedding [V, D].
  virtual std::string output_embedding() const { return ""; }
  /// Throws UsageError for images of another shape ([channels, height, width]) than the family takes.
  virtual void check_image(const std::vector<std::int64_t>& shape) const;

  const Layout& layout() const { return layout_; }

 protected:
  Layout layout_;
};

/// Throws UsageError for a model_type that is not known, with the nearest that is.
std::unique_ptr<Family> make_family(const Config& config);

// What the families share.

/// `layers` of a configuration, bounded so that a broken file cannot ask for billions of names.
std::int64_t block_count(const Config& config, std::initializer_list<const char*> keys);
/// Throws UsageError unless `heads` divides `width`.
void check_heads(const Config& config, std::int64_t width, std::int64_t heads);
/// Logits [.., V] of a decoder's hidden states [.., D]. Throws UsageError where the model has no output
/// embedding.
Tensor output_logits(const Family& family, const Weights& weights, const Tensor& hidden);
/// Token positions [1, T] or, packed or with a cache, as given.
Tensor token_positions(const Inputs& in);
/// The mask of a decoder's layer, cached or not.
Mask decoder_mask(const Inputs& in, std::int64_t window);
/// The mask of an encoder's layers: every token of the row, or of the sequence.
Mask encoder_mask(const Inputs& in);

std::unique_ptr<Family> make_gpt2(const Config& config);
std::unique_ptr<Family> make_gpt_neox(const Config& config);
std::unique_ptr<Family> make_llama(const Config& config);  // llama, mistral, qwen2, qwen3
std::unique_ptr<Family> make_bert(const Config& config);   // bert, roberta
std::unique_ptr<Family> make_distilbert(const Config& config);
std::unique_ptr<Family> make_vit(const Config& config);  // vit, dinov2
std::unique_ptr<Family> make_resnet(const Config& config);

}  // namespace w2s::hf
