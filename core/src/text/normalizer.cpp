#include "text/normalizer.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include "text/byte_alphabet.hpp"
#include "text/pattern.hpp"
#include "text/precompiled.hpp"
#include "text/utf8.hpp"

namespace w2s::text {

namespace {

void icu_normalize(const icu::Normalizer2& form, std::string& text) {
  if (is_ascii(text)) return;
  if (text.size() > 0x7FFFFFFF) throw Error("a text of more than 2 GiB cannot be normalized");
  UErrorCode status = U_ZERO_ERROR;
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr,
                     status);
  if (U_FAILURE(status)) throw Error(fmt::format("ICU cannot normalize a text: {}", u_errorName(status)));
  text = std::move(out);
}

// The library that we agree with has the normalization forms of Unicode 11.
const icu::UnicodeSet& characters_of_unicode_11() {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::UnicodeSet set = [&] {
    icu::UnicodeSet characters(u"[:age=11.0:]", status);
    characters.freeze();
    return characters;
  }();
  if (set.isEmpty()) throw Error("ICU has no data on the ages of characters");
  return set;
}

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(const std::string& name) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* form = name == "NFC"    ? icu::Normalizer2::getNFCInstance(status)
                                   : name == "NFD"  ? icu::Normalizer2::getNFDInstance(status)
                                   : name == "NFKC" ? icu::Normalizer2::getNFKCInstance(status)
                                                    : icu::Normalizer2::getNFKDInstance(status);
    if (U_FAILURE(status)) throw Error(fmt::format("ICU has no data for {}: {}", name, u_errorName(status)));
    form_ = std::make_unique<icu::FilteredNormalizer2>(*form, characters_of_unicode_11());
  }
  void apply(std::string& text) const override { icu_normalize(*form_, text); }

 private:
  std::unique_ptr<icu::FilteredNormalizer2> form_;
};

// Keeps the characters for which keep(c) holds.
template <class Keep>
void filter(std::string& text, Keep&& keep) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    if (keep(next_char(text, i))) out.append(text, start, i - start);
  }
  text = std::move(out);
}

void lowercase(std::string& text) {
  if (is_ascii(text)) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return;
  }
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) append_lowercase(out, next_char(text, i));
  text = std::move(out);
}

class Lowercase final : public Normalizer {
 public:
  void apply(std::string& text) const override { lowercase(text); }
};

class StripAccents final : public Normalizer {
 public:
  void apply(std::string& text) const override {
    if (!is_ascii(text)) filter(text, [](char32_t c) { return !is_mark(c); });
  }
};

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const JsonField& field)
      : clean_(field.boolean("clean_text", true)),
        chinese_(field.boolean("handle_chinese_chars", true)),
        lower_(field.boolean("lowercase", true)),
        accents_(field.boolean("strip_accents", lower_)),
        nfd_("NFD") {}

  void apply(std::string& text) const override {
    if (clean_) clean(text);
    if (chinese_ && !is_ascii(text)) separate_ideographs(text);
    if (accents_ && !is_ascii(text)) {
      nfd_.apply(text);
      filter(text, [](char32_t c) { return !is_nonspacing_mark(c); });
    }
    if (lower_) lowercase(text);
  }

 private:
  static void clean(std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t start = i;
      const char32_t c = next_char(text, i);
      if (c > ' ' && c < 0x7F) {
        out += static_cast<char>(c);
      } else if (c == '\t' || c == '\n' || c == '\r') {
        out += ' ';
      } else if (c == 0 || c == 0xFFFD || is_other(c)) {
        continue;
      } else if (is_whitespace(c)) {
        out += ' ';
      } else {
        out.append(text, start, i - start);
      }
    }
    text = std::move(out);
  }

  static void separate_ideographs(std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t start = i;
      const bool ideograph = is_cjk_ideograph(next_char(text, i));
      if (ideograph) out += ' ';
      out.append(text, start, i - start);
      if (ideograph) out += ' ';
    }
    text = std::move(out);
  }

  bool clean_, chinese_, lower_, accents_;
  UnicodeForm nfd_;
};

class Replace final : public Normalizer {
 public:
  explicit Replace(const JsonField& field)
      : pattern_(field.at("pattern")), content_(field.at("content").string()) {}
  void apply(std::string& text) const override { text = pattern_.replace(text, content_); }

 private:
  Pattern pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(const JsonField& field) : prefix_(field.at("prepend").string()) {}
  void apply(std::string& text) const override {
    if (!text.empty()) text.insert(0, prefix_);
  }

 private:
  std::string prefix_;
};

class Strip final : public Normalizer {
 public:
  explicit Strip(const JsonField& field)
      : left_(field.at("strip_left").boolean()), right_(field.at("strip_right").boolean()) {}
  void apply(std::string& text) const override {
    std::size_t begin = 0, end = text.size();
    for (std::size_t i = begin; left_ && i < end && is_whitespace(next_char(text, i));) begin = i;
    for (std::size_t i = end; right_ && i > begin && is_whitespace(previous_char(text, i));) end = i;
    text = text.substr(begin, end - begin);
  }

 private:
  bool left_, right_;
};

// SentencePiece's rules for machine translation.
class Nmt final : public Normalizer {
 public:
  void apply(std::string& text) const override {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t start = i;
      const char32_t c = next_char(text, i);
      if (removed(c)) continue;
      if (spaced(c)) {
        out += ' ';
      } else {
        out.append(text, start, i - start);
      }
    }
    text = std::move(out);
  }

 private:
  static bool removed(char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
           c == 0x9F;
  }
  static bool spaced(char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  }
};

class ByteLevel final : public Normalizer {
 public:
  void apply(std::string& text) const override { text = bytes_to_characters(text); }
};

class Sequence final : public Normalizer {
 public:
  Sequence(const JsonField& field, int depth) {
    for (const JsonField& item : field.at("normalizers").items())
      steps_.push_back(make_normalizer(item, depth + 1));
  }
  void apply(std::string& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const JsonField& field, int depth) {
  if (depth > kMaxNesting) field.fail("nested too deeply");
  const std::string& kind = field.kind();
  if (kind == "NFC" || kind == "NFD" || kind == "NFKC" || kind == "NFKD")
    return std::make_unique<UnicodeForm>(kind);
  if (kind == "Lowercase") return std::make_unique<Lowercase>();
  if (kind == "StripAccents") return std::make_unique<StripAccents>();
  if (kind == "BertNormalizer") return std::make_unique<BertNormalizer>(field);
  if (kind == "Replace") return std::make_unique<Replace>(field);
  if (kind == "Prepend") return std::make_unique<Prepend>(field);
  if (kind == "Strip") return std::make_unique<Strip>(field);
  if (kind == "Precompiled") return std::make_unique<Precompiled>(field);
  if (kind == "Nmt") return std::make_unique<Nmt>();
  if (kind == "ByteLevel") return std::make_unique<ByteLevel>();
  if (kind == "Sequence") return std::make_unique<Sequence>(field, depth);
  field.unknown_kind("normalizer",
                     {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer", "Replace",
                      "Prepend", "Strip", "Precompiled", "Nmt", "ByteLevel", "Sequence"});
}

}  // namespace w2s::text
