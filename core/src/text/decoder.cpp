#include "text/decoder.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "text/byte_alphabet.hpp"
#include "text/pattern.hpp"
#include "text/utf8.hpp"

namespace w2s::text {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  if (done > 0) text = out.append(text, done);
}

// A token that is not in the byte-level alphabet stands for its own bytes.
class ByteLevel final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) bytes += characters_to_bytes(token).value_or(token);
    tokens = {utf8_lossy(bytes)};
  }
};

class WordPiece final : public Decoder {
 public:
  explicit WordPiece(const JsonField& field)
      : prefix_(field.string("prefix", "##")), cleanup_(field.boolean("cleanup", true)) {}

  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0) {
        if (token.compare(0, prefix_.size(), prefix_) == 0) {
          token.erase(0, prefix_.size());
        } else {
          token.insert(token.begin(), ' ');
        }
      }
      if (cleanup_) clean(token);
    }
  }

 private:
  // English punctuation joins the word before it.
  static void clean(std::string& token) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {
        {{" .", "."},
         {" ?", "?"},
         {" !", "!"},
         {" ,", ","},
         {" ' ", "'"},
         {" n't", "n't"},
         {" 'm", "'m"},
         {" do not", " don't"},
         {" 's", "'s"},
         {" 've", "'ve"},
         {" 're", "'re"}}};
    for (const auto& [from, to] : kRules) replace_all(token, from, to);
  }

  std::string prefix_;
  bool cleanup_;
};

class Metaspace final : public Decoder {
 public:
  explicit Metaspace(const JsonField& field)
      : replacement_(field.at("replacement").string()),
        prefixed_(field.boolean("add_prefix_space", true) &&
                  field.string("prepend_scheme", "always") != "never") {
    if (count_chars(replacement_) != 1) field.at("replacement").fail("expected one character");
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      replace_all(tokens[i], replacement_, i == 0 && prefixed_ ? "" : " ");
  }

 private:
  std::string replacement_;
  bool prefixed_;
};

// "<0xE2>", "<0x96>", "<0x81>" are one character; bytes that are no UTF-8 are U+FFFD each.
class ByteFallback final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (is_utf8(bytes)) {
        out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes += static_cast<char>(*byte);
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(out);
  }

 private:
  static std::optional<unsigned char> byte_of(const std::string& token) {
    if (token.size() != 6 || token.compare(0, 3, "<0x") != 0 || token[5] != '>') return std::nullopt;
    unsigned char byte = 0;
    const auto end = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
    return end.ec == std::errc() && end.ptr == token.data() + 5 ? std::optional(byte) : std::nullopt;
  }
};

class Fuse final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string all;
    for (const std::string& token : tokens) all += token;
    tokens = {std::move(all)};
  }
};

class Strip final : public Decoder {
 public:
  explicit Strip(const JsonField& field)
      : content_(field.at("content").string()),
        start_(field.at("start").natural()),
        stop_(field.at("stop").natural()) {
    if (count_chars(content_) != 1) field.at("content").fail("expected one character");
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (int i = 0; i < start_ && rest.substr(0, content_.size()) == content_; ++i)
        rest.remove_prefix(content_.size());
      for (int i = 0; i < stop_ && rest.size() >= content_.size() &&
                      rest.substr(rest.size() - content_.size()) == content_;
           ++i) {
        rest.remove_suffix(content_.size());
      }
      token = std::string(rest);
    }
  }

 private:
  std::string content_;
  int start_, stop_;
};

class Replace final : public Decoder {
 public:
  explicit Replace(const JsonField& field)
      : pattern_(field.at("pattern")), content_(field.at("content").string()) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) token = pattern_.replace(token, content_);
  }

 private:
  Pattern pattern_;
  std::string content_;
};

class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(const JsonField& field) : suffix_(field.string("suffix", "</w>")) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }

 private:
  std::string suffix_;
};

class Sequence final : public Decoder {
 public:
  Sequence(const JsonField& field, int depth) {
    for (const JsonField& item : field.at("decoders").items())
      steps_.push_back(make_decoder(item, depth + 1));
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<Decoder>> steps_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(const JsonField& field, int depth) {
  if (depth > kMaxNesting) field.fail("nested too deeply");
  const std::string& kind = field.kind();
  if (kind == "ByteLevel") return std::make_unique<ByteLevel>();
  if (kind == "WordPiece") return std::make_unique<WordPiece>(field);
  if (kind == "Metaspace") return std::make_unique<Metaspace>(field);
  if (kind == "ByteFallback") return std::make_unique<ByteFallback>();
  if (kind == "Fuse") return std::make_unique<Fuse>();
  if (kind == "Strip") return std::make_unique<Strip>(field);
  if (kind == "Replace") return std::make_unique<Replace>(field);
  if (kind == "BPEDecoder") return std::make_unique<BpeDecoder>(field);
  if (kind == "Sequence") return std::make_unique<Sequence>(field, depth);
  field.unknown_kind("decoder", {"ByteLevel", "WordPiece", "Metaspace", "ByteFallback", "Fuse", "Strip",
                                 "Replace", "BPEDecoder", "Sequence"});
}

}  // namespace w2s::text
