// Family: an architecture as a function of (weights, inputs).
//
// One object is one configuration of it; it holds no tensors. A family is a file
// of this folder that ends with W2S_FAMILY(its class, its model_types…): that is
// all, no list names it. make_family picks it by config.json's model_type.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "attention.hpp"
#include "cache.hpp"
#include "config.hpp"
#include "layout.hpp"
#include "pooling.hpp"
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

/// A classifier of one linear map in a family's own form, as transformers would load it.
struct HeadForm {
  std::string module = "classifier";  ///< its weights are <module>.weight and <module>.bias
  std::string architecture;           ///< the class that reads them; empty: none does
};

class Family {
 public:
  enum class Kind { decoder, encoder, vision };
  struct Size {
    std::int64_t width, depth;
    std::int64_t context = 0;     ///< most tokens that a row may have
    std::int64_t vocabulary = 0;  ///< token ids are below this; 0 for images
  };

  virtual ~Family() = default;
  Kind kind() const { return kind_; }
  std::int64_t depth() const { return depth_; }
  std::int64_t context() const { return context_; }
  std::int64_t vocabulary() const { return vocabulary_; }
  const Layout& layout() const { return layout_; }
  /// Decoders: full name of the output embedding [V, D]; else empty.
  const std::string& output_embedding() const { return output_; }

  /// Size of a feature of layer 0 (embeddings) … depth.
  virtual std::int64_t width(std::int64_t) const { return width_; }
  /// Hidden states after `layer` blocks; with layer = depth after the final norm. Text [R, T, D], patches
  /// [R, 1 + P, D], feature maps [R, D, h, w].
  virtual Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const = 0;
  /// Images: one vector per row from such hidden states, [R, D].
  virtual Tensor pooled(const Weights& weights, const Tensor& hidden, std::int64_t layer) const;
  /// Throws UsageError for images of another shape ([channels, height, width]) than the family takes.
  virtual void check_image(const std::vector<std::int64_t>& shape) const;
  virtual HeadForm head() const { return {}; }
  /// Text: the vector of a row that the family's classifiers read.
  virtual Pooling pooling() const { return kind_ == Kind::decoder ? Pooling::last : Pooling::cls; }
  /// A decoder's logits [.., V] from the product of its hidden states and its output embedding.
  virtual Tensor capped_logits(const Tensor& logits) const { return logits; }
  /// False where attention has terms that packed sequences do without (attention.hpp).
  virtual bool packs() const { return kind_ != Kind::vision; }

 protected:
  Family(Kind kind, Size size)
      : kind_(kind),
        width_(size.width),
        depth_(size.depth),
        context_(size.context),
        vocabulary_(size.vocabulary) {}

  Kind kind_;
  std::int64_t width_, depth_, context_, vocabulary_;
  Layout layout_;
  std::string output_;
};

/// Throws UsageError for a model_type that no family has, with the nearest that one has.
std::unique_ptr<Family> make_family(const Config& config);
/// Every model_type that a family has, sorted.
std::vector<std::string> model_types();

// What the families share.

/// `layers` of a configuration, bounded so that a broken file cannot ask for billions of names.
std::int64_t block_count(const Config& config, std::initializer_list<const char*> keys,
                         std::optional<std::int64_t> fallback = {});
/// Throws UsageError unless `heads` divides `width`.
void check_heads(const Config& config, std::int64_t width, std::int64_t heads);
/// `num_key_value_heads`. Throws UsageError unless it divides `heads`.
std::int64_t key_value_heads(const Config& config, std::int64_t heads, std::int64_t fallback);
/// Logits [.., V] of a decoder's hidden states [.., D]. Throws UsageError where the model has no output
/// embedding.
Tensor output_logits(const Family& family, const Weights& weights, const Tensor& hidden);
/// Token positions [1, T] or, packed or with a cache, as given.
Tensor token_positions(const Inputs& in);
/// The mask of a decoder's layer, cached or not.
Mask decoder_mask(const Inputs& in, std::int64_t window);
/// The mask of an encoder's layers: every token of the row, or of the sequence; window > 0: those less than
/// `window` places away.
Mask encoder_mask(const Inputs& in, std::int64_t window = 0);
/// RoBERTa's positions: tokens other than padding are counted from `padding` + 1, padding is at `padding`.
Tensor counted_positions(const Inputs& in, std::int64_t padding);
/// `layer_types` of a configuration: true where a block attends to a sliding window; empty where it says
/// nothing. Throws UsageError for other types and another number of blocks.
std::vector<bool> sliding_blocks(const Config& config, std::int64_t depth);

/// Images: position embeddings [1, extra + side², D] for a grid of patches; interpolated where it is not the
/// checkpoint's own. The first `extra` are no patches.
Tensor grid_positions(const Tensor& stored, std::int64_t extra, std::int64_t side, std::int64_t height,
                      std::int64_t width);

/// A family's place in the list that make_family reads; see W2S_FAMILY.
class FamilyLink {
 public:
  using Make = std::unique_ptr<Family> (*)(const Config&);
  /// `types` must live as long.
  FamilyLink(std::span<const char* const> types, Make make) noexcept
      : types_(types), make_(make), next_(first_) {
    first_ = this;
  }
  /// By model_type.
  static std::map<std::string, Make> all();

 private:
  static constinit const FamilyLink* first_;
  std::span<const char* const> types_;
  Make make_;
  const FamilyLink* next_;
};

}  // namespace w2s::hf

/// At the end of a family's file, in its namespace: configurations of these model_types are Class_(config).
#define W2S_FAMILY(Class_, ...)                                                                             \
  static constexpr const char* w2s_model_types_##Class_[] = {__VA_ARGS__};                                  \
  static const ::w2s::hf::FamilyLink w2s_family_link_##Class_(                                              \
      w2s_model_types_##Class_, [](const ::w2s::hf::Config& config) -> std::unique_ptr<::w2s::hf::Family> { \
        return std::make_unique<Class_>(config);                                                            \
      })
