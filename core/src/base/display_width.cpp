#include "base/display_width.hpp"

#include <algorithm>
#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace w2s {
namespace {

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::size_t columns_of(UChar32 c) {
  if (c < 0 || (c >= 0x20 && c < 0x7f)) return 1;
  switch (u_charType(c)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

/// The next code point, or a negative number for a malformed byte; moves `at` on.
UChar32 next(std::string_view text, std::size_t& at) {
  std::int64_t position = static_cast<std::int64_t>(at);
  const auto length = static_cast<std::int64_t>(text.size());
  UChar32 c = 0;
  U8_NEXT(text.data(), position, length, c);
  at = static_cast<std::size_t>(position);
  return c;
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  std::size_t used = 0, end = 0;
  for (std::size_t at = 0; at < text.size();) {
    used += columns_of(next(text, at));
    if (used + 1 > width) break;
    end = at;
  }
  return std::string(text.substr(0, end)) + (width > 0 ? "…" : "");
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += columns_of(next(text, at));
  return width;
}

std::string fit_left(std::string_view text, std::size_t width) {
  std::string fitted = cut(text, width);
  fitted.append(width - display_width(fitted), ' ');
  return fitted;
}

std::string fit_right(std::string_view text, std::size_t width) {
  const std::string fitted = cut(text, width);
  return std::string(width - display_width(fitted), ' ') + fitted;
}

std::string printable(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const UChar32 c = next(text, at);
    if (c < 0 || u_charType(c) == U_CONTROL_CHAR)
      clean += "\uFFFD";
    else
      clean += text.substr(start, at - start);
  }
  return clean;
}

}  // namespace w2s
