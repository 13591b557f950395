// UTF-8 and the classes of characters that tokenizers tell apart.
//
// Functions on strings expect valid UTF-8 unless they say otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace w2s::text {

bool is_utf8(std::string_view bytes);
bool is_ascii(std::string_view bytes);
/// Any bytes; U+FFFD for each maximal invalid part, as Python and Rust decode with replacement.
std::string utf8_lossy(std::string_view bytes);
/// Bytes from the start of `bytes` (any bytes) that are valid UTF-8.
std::size_t valid_prefix(std::string_view bytes);
/// Bytes from the start of `bytes` (any bytes) that are in no valid character.
std::size_t invalid_prefix(std::string_view bytes);

/// The character at `position`, which moves past it.
inline char32_t next_char(std::string_view text, std::size_t& position) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(position);
  if (lead < 0x80) {
    ++position;
    return lead;
  }
  const std::size_t i = position;
  if (lead < 0xE0) {
    position += 2;
    return (lead & 0x1Fu) << 6 | (byte(i + 1) & 0x3Fu);
  }
  if (lead < 0xF0) {
    position += 3;
    return (lead & 0x0Fu) << 12 | (byte(i + 1) & 0x3Fu) << 6 | (byte(i + 2) & 0x3Fu);
  }
  position += 4;
  return (lead & 0x07u) << 18 | (byte(i + 1) & 0x3Fu) << 12 | (byte(i + 2) & 0x3Fu) << 6 |
         (byte(i + 3) & 0x3Fu);
}
/// The character that ends before `position` (> 0), which moves to its start.
char32_t previous_char(std::string_view text, std::size_t& position);
void append_char(std::string& text, char32_t c);
std::size_t count_chars(std::string_view text);

bool is_letter(char32_t c);         ///< \p{L}
bool is_number(char32_t c);         ///< \p{N}
bool is_whitespace(char32_t c);     ///< \p{White_Space}
bool is_word_char(char32_t c);      ///< UTS 18's \w
bool is_cjk_ideograph(char32_t c);  ///< the blocks of BERT's basic tokenizer
// The library that we agree with takes these from the tables of Unicode 8, and marks from those of Unicode 9.
bool is_punctuation(char32_t c);      ///< \p{P} and all ASCII punctuation
bool is_other(char32_t c);            ///< \p{Cc}, \p{Cf}, \p{Co}
bool is_nonspacing_mark(char32_t c);  ///< \p{Mn}
bool is_mark(char32_t c);             ///< \p{M}
/// Rust's char::to_lowercase, without context.
void append_lowercase(std::string& text, char32_t c);

}  // namespace w2s::text
