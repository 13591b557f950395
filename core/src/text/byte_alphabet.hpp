// The byte-level alphabet of GPT-2: a printable character for each byte.
//
// Bytes that Latin-1 prints stand for themselves; the other 68 are U+0100,
// U+0101, … in order of the byte.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace w2s::text {

/// The character of each byte.
const std::array<char32_t, 256>& byte_characters();
/// Each byte of `bytes` as its character, in UTF-8.
std::string bytes_to_characters(std::string_view bytes);
/// The inverse; nothing where a character stands for no byte.
std::optional<std::string> characters_to_bytes(std::string_view characters);

}  // namespace w2s::text
