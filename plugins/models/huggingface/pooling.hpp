// Pooling: one vector for a row of token states, and the files by which a folder of sentence-transformers
// says how (modules.json, 1_Pooling/config.json, sentence_bert_config.json).
#pragma once

#include <optional>
#include <string>

#include <w2s/model.hpp>

#include "packed_attention.hpp"

namespace w2s::hf {

/// "cls": the first token's state; "last": the last real token's; "mean" and "max" of all real tokens'.
enum class Pooling { cls, last, mean, max };

/// Throws UsageError for another name than these four.
Pooling pooling_named(const std::string& name);
std::string name_of(Pooling pooling);

/// [R, D] of states [R, T, D], right-padded as the batch says. mean and max are float32.
Tensor pool(Pooling pooling, const Tensor& states, const Batch& batch);
/// [R, D] of states [1, N, D] that lie end to end.
Tensor pool_packed(Pooling pooling, const Tensor& states, const Offsets& offsets);

struct SentenceForm {
  std::optional<Pooling> pooling;  ///< unset: the folder does not say
  bool normalized = false;         ///< vectors have length 1
  std::int64_t context = 0;        ///< most tokens of a row; 0: the folder does not say
};

/// Throws UsageError for a module or a pooling that is not one of these, unless `pooled` says that its
/// pooling is not wanted.
SentenceForm read_sentence_form(const std::string& folder, bool pooled);
/// For vectors of size `width`.
void write_sentence_form(const std::string& folder, const SentenceForm& form, std::int64_t width);

}  // namespace w2s::hf
