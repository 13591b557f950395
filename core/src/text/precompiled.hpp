// SentencePiece's precompiled character map: a double-array trie from short
// strings to their replacements.
//
// Follows the library that Hugging Face uses, not SentencePiece itself: a text
// is taken by grapheme clusters; a cluster of fewer than six bytes is looked up
// whole, then each of its characters; and the shortest key that begins the
// string replaces all of it.
#pragma once

#include <cstdint>
#include <vector>

#include "text/normalizer.hpp"

namespace w2s::text {

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(const JsonField& field);
  void apply(std::string& text) const override;

 private:
  /// The replacement, or null.
  const char* find(std::string_view key) const;

  std::vector<std::uint32_t> trie_;
  std::string replacements_;  // each ends with a zero byte
};

}  // namespace w2s::text
