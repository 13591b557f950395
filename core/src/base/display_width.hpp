// Columns that UTF-8 text takes on a terminal: 2 for wide East Asian characters and
// emoji, 0 for combining marks and format characters, else 1 (Unicode TR 11).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace w2s {

/// Malformed bytes count as one column each.
std::size_t display_width(std::string_view text);

/// The text padded with spaces to `width` columns, or cut to it with "…" at its end.
std::string fit_left(std::string_view text, std::size_t width);
std::string fit_right(std::string_view text, std::size_t width);

/// Control characters and malformed bytes replaced by U+FFFD: safe to print.
std::string printable(std::string_view text);

}  // namespace w2s
