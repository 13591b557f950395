#include "text/precompiled.hpp"

#include <openssl/evp.h>
#include <unicode/brkiter.h>

#include <algorithm>

#include "text/utf8.hpp"

namespace w2s::text {

namespace {

std::string decode_base64(const JsonField& field) {
  const std::string& text = field.string();
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = text.size() % 4 != 0 || text.size() > 0x40000000
                         ? -1
                         : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                           reinterpret_cast<const unsigned char*>(text.data()),
                                           static_cast<int>(text.size()));
  if (length < 0) field.fail("not base64");
  const std::size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 2) field.fail("not base64");
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Units of a Darts-clone double array.
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) == 1; }
std::uint32_t leaf_value(std::uint32_t unit) { return unit & 0x7FFFFFFFu; }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FFu; }
std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 1u << 9) >> 6); }

std::unique_ptr<icu::BreakIterator> grapheme_iterator() {
  UErrorCode status = U_ZERO_ERROR;
  static const std::unique_ptr<icu::BreakIterator> prototype(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  if (!prototype) throw Error("ICU has no rules for grapheme clusters");
  return std::unique_ptr<icu::BreakIterator>(prototype->clone());
}

}  // namespace

Precompiled::Precompiled(const JsonField& field) {
  const JsonField map = field.at("precompiled_charsmap");
  const std::string bytes = decode_base64(map);
  if (bytes.size() < 4) map.fail("too short for a character map");
  const std::size_t size = little_endian(bytes, 0);
  if (size % 4 != 0 || size == 0 || size > bytes.size() - 4) map.fail("the size of its trie is wrong");
  for (std::size_t i = 0; i < size / 4; ++i) trie_.push_back(little_endian(bytes, 4 + 4 * i));
  replacements_ = bytes.substr(4 + size);
  if (!is_utf8(replacements_)) map.fail("its replacements are not UTF-8");
}

const char* Precompiled::find(std::string_view key) const {
  std::size_t node = offset(trie_[0]);
  for (const char character : key) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte == 0) return nullptr;
    node ^= byte;
    if (node >= trie_.size() || label(trie_[node]) != byte) return nullptr;
    const std::uint32_t unit = trie_[node];
    node ^= offset(unit);
    if (node >= trie_.size()) return nullptr;
    if (has_leaf(unit)) {
      const std::size_t at = leaf_value(trie_[node]);
      return at < replacements_.size() && (replacements_[at] & 0xC0) != 0x80 ? replacements_.c_str() + at
                                                                             : nullptr;
    }
  }
  return nullptr;
}

void Precompiled::apply(std::string& text) const {
  std::string out;
  out.reserve(text.size());
  const std::string_view view = text;
  const auto take = [&](std::string_view cluster) {
    if (cluster.size() < 6) {
      if (const char* replacement = find(cluster)) {
        out += replacement;
        return;
      }
    }
    for (std::size_t i = 0; i < cluster.size();) {
      const std::size_t start = i;
      next_char(cluster, i);
      const std::string_view character = cluster.substr(start, i - start);
      if (const char* replacement = find(character)) {
        out += replacement;
      } else {
        out += character;
      }
    }
  };
  if (is_ascii(view)) {
    for (std::size_t i = 0; i < view.size();) {
      const std::size_t length = view.substr(i, 2) == "\r\n" ? 2 : 1;
      take(view.substr(i, length));
      i += length;
    }
  } else {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::BreakIterator> clusters = grapheme_iterator();
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
    clusters->setText(&utext, status);
    if (U_FAILURE(status)) throw Error("ICU cannot find the grapheme clusters of a text");
    std::int32_t begin = clusters->first();
    for (std::int32_t end = clusters->next(); end != icu::BreakIterator::DONE;
         begin = end, end = clusters->next()) {
      take(view.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }
    utext_close(&utext);
  }
  text = std::move(out);
}

}  // namespace w2s::text
