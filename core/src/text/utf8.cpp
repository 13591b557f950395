#include "text/utf8.hpp"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace w2s::text {

namespace {

bool in_mask(char32_t c, std::uint32_t mask) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0; }

// In that version of Unicode or an earlier one.
bool assigned_by(char32_t c, std::uint8_t version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && age[0] <= version;
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// One character or maximal invalid part from `position`; negative where invalid.
UChar32 step(std::string_view bytes, std::size_t& position) {
  UChar32 c = 0;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  U8_NEXT(data, position, bytes.size(), c);
  return c;
}

}  // namespace

bool is_ascii(std::string_view bytes) {
  unsigned char all = 0;
  for (const char b : bytes) all |= static_cast<unsigned char>(b);
  return all < 0x80;
}

std::size_t valid_prefix(std::string_view bytes) {
  std::size_t position = 0;
  while (position < bytes.size()) {
    if (static_cast<unsigned char>(bytes[position]) < 0x80) {
      ++position;
      continue;
    }
    const std::size_t start = position;
    if (step(bytes, position) < 0) return start;
  }
  return position;
}

std::size_t invalid_prefix(std::string_view bytes) {
  std::size_t position = 0;
  while (position < bytes.size()) {
    const std::size_t start = position;
    if (step(bytes, position) >= 0) return start;
  }
  return position;
}

bool is_utf8(std::string_view bytes) { return valid_prefix(bytes) == bytes.size(); }

std::string utf8_lossy(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t position = 0; position < bytes.size();) {
    const std::size_t start = position;
    if (step(bytes, position) < 0) {
      text += "\xEF\xBF\xBD";
    } else {
      text.append(bytes.substr(start, position - start));
    }
  }
  return text;
}

char32_t previous_char(std::string_view text, std::size_t& position) {
  do {
    --position;
  } while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xC0u) == 0x80u);
  std::size_t after = position;
  return next_char(text, after);
}

void append_char(std::string& text, char32_t c) {
  char buffer[4];
  std::size_t length = 0;
  U8_APPEND_UNSAFE(buffer, length, static_cast<UChar32>(c));
  text.append(buffer, length);
}

std::size_t count_chars(std::string_view text) {
  std::size_t count = 0;
  for (const char b : text) count += (static_cast<unsigned char>(b) & 0xC0u) != 0x80u;
  return count;
}

bool is_letter(char32_t c) { return in_mask(c, U_GC_L_MASK); }
bool is_number(char32_t c) { return in_mask(c, U_GC_N_MASK); }
bool is_whitespace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

// Characters whose category changed after Unicode 8 are named one by one.
bool is_punctuation(char32_t c) {
  if (is_ascii_punctuation(c) || c == 0x166D || c == 0x111C9) return true;
  return in_mask(c, U_GC_P_MASK) && assigned_by(c, 8);
}
bool is_other(char32_t c) {
  return in_mask(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK) && assigned_by(c, 8);
}
bool is_nonspacing_mark(char32_t c) {
  if (c == 0x1734) return true;
  if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return false;
  return in_mask(c, U_GC_MN_MASK) && assigned_by(c, 8);
}
bool is_mark(char32_t c) {
  if (c == 0x1CF2 || c == 0x1CF3) return true;
  return c != 0x111C9 && in_mask(c, U_GC_M_MASK) && assigned_by(c, 9);
}

bool is_word_char(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) ||
         in_mask(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) || c == 0x200C || c == 0x200D;
}

bool is_cjk_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void append_lowercase(std::string& text, char32_t c) {
  if (c == 0x130) {  // the one character whose lower case is two
    text += "i\xCC\x87";
  } else {
    append_char(text, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
  }
}

}  // namespace w2s::text
