// Layout: which tensors a model of some configuration has, under which names.
//
// A tensor's name here is that of the bare model ("h.0.ln_1.weight"). Files may
// put the family's prefix before it ("transformer.h.0.ln_1.weight"); models keep
// and save the name that Hugging Face gives it (Layout::full_name).
#pragma once

#include <string>
#include <vector>

#include <w2s/model.hpp>

namespace w2s::hf {

/// What a weight does to x: nothing of that kind, x Wᵀ (rows are outputs), or x W (GPT-2's "Conv1D").
enum class Map { none, linear, transposed };

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t block = -1;  ///< as IModel::block_of
  Map map = Map::none;      ///< linear maps inside the blocks can carry LoRA
  bool buffer = false;      ///< statistics rather than weights
  bool optional = false;    ///< may be absent from the file
  bool outside = false;     ///< never has the prefix (output embeddings)
};

struct Layout {
  std::string prefix;                         ///< "transformer."
  bool saves_prefix = false;                  ///< the names of a saved model carry the prefix
  std::vector<TensorSpec> tensors;            ///< in file order
  std::vector<std::string> ignored_prefixes;  ///< tensors of heads and the like that the model does without
  std::vector<std::string> ignored_suffixes;

  std::string full_name(const TensorSpec& tensor) const {
    return saves_prefix && !tensor.outside ? prefix + tensor.name : tensor.name;
  }

  /// The name without the prefix or its last parts: "model.decoder." and "decoder." stand before the same
  /// names.
  std::string bare_name(const std::string& name) const;
  /// Whether the model does without a tensor of this bare name.
  bool ignores(const std::string& bare) const;

  // Building. A linear map adds <module>.weight and, with `bias`, <module>.bias.
  void weight(const std::string& name, std::vector<std::int64_t> shape, std::int64_t block);
  void norm(const std::string& module, std::int64_t size, std::int64_t block, bool bias = true);
  void linear(const std::string& module, std::int64_t in, std::int64_t out, std::int64_t block,
              bool bias = true, Map map = Map::linear);
  /// The output embedding [vocabulary, width] of a decoder of so many blocks: the one named `output`, which
  /// may be absent, or, where tied, `input`. Gives the full name of the tensor that it is.
  std::string output_embedding(bool tied, const std::string& input, const std::string& output,
                               std::int64_t vocabulary, std::int64_t width, std::int64_t depth);
};

}  // namespace w2s::hf
