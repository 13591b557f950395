// Pre-tokenizers: how a text is cut into the pieces that the model sees.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_field.hpp"
#include "text/word_scanner.hpp"

namespace w2s::text {

struct Piece {
  std::string_view text;
  bool first = false;  ///< begins where the whole input begins
};

/// Pieces in order, and the strings that some of them are views of.
struct Pieces {
  std::vector<Piece> list;
  std::deque<std::string> owned;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts or rewrites each piece; empty pieces vanish.
  virtual void apply(Pieces& pieces) const = 0;
  /// Where the last step writes bytes in the byte-level alphabet: leaves that step out from now
  /// on and returns true, so that the model sees the bytes themselves.
  virtual bool take_byte_mapping() { return false; }
  /// True where the pieces, end to end, are the text.
  virtual bool keeps_text() const { return false; }
};

/// Throws UsageError for an unknown kind or a bad field.
std::unique_ptr<PreTokenizer> make_pretokenizer(const JsonField& field, int depth = 0);

}  // namespace w2s::text
