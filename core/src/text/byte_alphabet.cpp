#include "text/byte_alphabet.hpp"

#include "text/utf8.hpp"

namespace w2s::text {

namespace {

constexpr char32_t kCharacters = 0x100 + 68;  // one past the last

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<std::string, 256> utf8;
  std::array<int, kCharacters> byte{};

  Alphabet() {
    byte.fill(-1);
    char32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      const auto i = static_cast<std::size_t>(b);
      character[i] = printable ? static_cast<char32_t>(b) : next++;
      append_char(utf8[i], character[i]);
      byte[character[i]] = b;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

const std::array<char32_t, 256>& byte_characters() { return alphabet().character; }

std::string bytes_to_characters(std::string_view bytes) {
  std::string characters;
  characters.reserve(bytes.size() * 2);
  for (const char b : bytes) characters += alphabet().utf8[static_cast<unsigned char>(b)];
  return characters;
}

std::optional<std::string> characters_to_bytes(std::string_view characters) {
  std::string bytes;
  for (std::size_t i = 0; i < characters.size();) {
    const char32_t c = next_char(characters, i);
    if (c >= kCharacters || alphabet().byte[c] < 0) return std::nullopt;
    bytes += static_cast<char>(alphabet().byte[c]);
  }
  return bytes;
}

}  // namespace w2s::text
