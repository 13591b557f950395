// From examples to token rows.
//
// Every row is <special tokens> text <special tokens> as the tokenizer's
// post-processor says. Rows that are too long lose the beginning of their text,
// never special tokens. Generation: prompt, answer and the end-of-text token;
// the prompt alone is cut. A row without any token becomes one end-of-text token.
#pragma once

#include <string>

#include <w2s/model.hpp>
#include <w2s/tokenizer.hpp>

namespace w2s::hf {

struct TextLimits {
  std::int64_t context = 0;     ///< most tokens of a row
  std::int64_t vocabulary = 0;  ///< ids are below this
  std::int32_t end = -1;        ///< end of text; -1: the model has none
};

/// Throws UsageError for examples without text, ids that the model has no embedding for, and answers that
/// leave no room for a prompt.
Encoded encode_texts(const Tokenizer& tokenizer, const Examples& examples, TaskKind kind,
                     const TextLimits& limits);

}  // namespace w2s::hf
