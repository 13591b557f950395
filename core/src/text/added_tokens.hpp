// Added tokens: strings that are found in a text before anything else is done to it.
//
// Found twice, as Hugging Face does: those with normalized = false in the text
// as it is, the others (themselves normalized) in what is left, normalized. Of
// several that begin at one place the longest wins.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.hpp"
#include "text/normalizer.hpp"
#include "text/regex.hpp"
#include "text/vocabulary.hpp"

namespace w2s::text {

struct AddedToken {
  std::string content;
  bool single_word = false, lstrip = false, rstrip = false, normalized = true, special = false;
  friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

/// A part of a text: an added token, or (id < 0) the text between two.
struct Section : Range {
  std::int32_t id = -1;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// `field` is the array "added_tokens". Ids are the model's, and count on from its largest where it has
  /// none: those in the file are what the same rule gave when it was written.
  AddedTokens(const JsonField& field, const Vocabulary& model, const Normalizer* normalizer);

  /// Sections that cover the text, found among tokens with this `normalized`.
  std::vector<Section> find(std::string_view text, bool normalized) const;

  /// Null where no added token has the id.
  const AddedToken* token(std::int32_t id) const;
  std::optional<std::int32_t> id(std::string_view content) const;
  bool is_special(std::string_view content) const { return specials_.count(content) > 0; }
  std::int64_t largest_id() const { return largest_id_; }

 private:
  struct Matcher {
    ByteTrie trie;  // to ids
    std::bitset<256> first_bytes;
  };
  static AddedToken read(const JsonField& field);

  StringMap<std::int32_t> ids_;
  std::unordered_map<std::int32_t, AddedToken> tokens_;
  StringMap<bool> specials_;
  Matcher raw_, normalized_;
  std::int64_t largest_id_ = -1;
};

}  // namespace w2s::text
