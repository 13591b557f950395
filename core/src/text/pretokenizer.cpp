#include "text/pretokenizer.hpp"

#include <algorithm>

#include "text/byte_alphabet.hpp"
#include "text/pattern.hpp"
#include "text/split_behavior.hpp"
#include "text/utf8.hpp"

namespace w2s::text {

namespace {

// Replaces each piece by the parts of it that ranges(text) gives.
template <class Ranges>
void cut(Pieces& pieces, Ranges&& ranges) {
  std::vector<Piece> list;
  list.reserve(pieces.list.size());
  for (const Piece& piece : pieces.list) {
    for (const Range& range : ranges(piece.text)) {
      if (range.begin < range.end) {
        list.push_back(
            {piece.text.substr(range.begin, range.end - range.begin), piece.first && range.begin == 0});
      }
    }
  }
  pieces.list = std::move(list);
}

std::string_view keep(Pieces& pieces, std::string text) { return pieces.owned.emplace_back(std::move(text)); }

// Each character for which is_delimiter(c) holds is a delimiter of its own.
template <class Delimiter>
std::vector<Part> parts_by_character(std::string_view text, Delimiter&& is_delimiter) {
  std::vector<Part> parts;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    if (!is_delimiter(next_char(text, i))) continue;
    if (done < start) parts.push_back({{done, start}, false});
    parts.push_back({{start, i}, true});
    done = i;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, false});
  return parts;
}

template <class Delimiter>
void cut_by_character(Pieces& pieces, SplitBehavior behavior, Delimiter&& is_delimiter) {
  cut(pieces,
      [&](std::string_view text) { return join_parts(parts_by_character(text, is_delimiter), behavior); });
}

class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const JsonField& field)
      : prefix_(field.at("add_prefix_space").boolean()), regex_(field.boolean("use_regex", true)) {}

  void apply(Pieces& pieces) const override {
    if (prefix_) {
      for (Piece& piece : pieces.list) {
        if (piece.text.front() != ' ') piece.text = keep(pieces, " " + std::string(piece.text));
      }
    }
    if (regex_) {
      cut(pieces, [words = std::vector<Range>()](std::string_view text) mutable -> const std::vector<Range>& {
        words.clear();
        scan_words(WordPattern::gpt2, text, words);
        return words;
      });
    }
    if (map_) {
      for (Piece& piece : pieces.list) piece.text = keep(pieces, bytes_to_characters(piece.text));
    }
  }
  bool take_byte_mapping() override {
    map_ = false;
    return true;
  }
  bool keeps_text() const override { return !prefix_ && !map_; }

 private:
  bool prefix_, regex_;
  bool map_ = true;
};

class Split final : public PreTokenizer {
 public:
  explicit Split(const JsonField& field)
      : pattern_(field.at("pattern")),
        behavior_(split_behavior(field.at("behavior"))),
        invert_(field.boolean("invert", false)) {
    const bool covers = behavior_ == (invert_ ? SplitBehavior::removed : SplitBehavior::isolated);
    if (covers) scanner_ = known_pattern(pattern_.regex_source());
  }

  void apply(Pieces& pieces) const override {
    cut(pieces, [&](std::string_view text) {
      std::vector<Range> ranges;
      if (scanner_) {
        scan_words(*scanner_, text, ranges);
      } else {
        ranges = join_parts(parts(text), behavior_);
      }
      return ranges;
    });
  }
  bool keeps_text() const override { return behavior_ != SplitBehavior::removed; }

 private:
  std::vector<Part> parts(std::string_view text) const {
    std::vector<Part> parts;
    std::size_t done = 0;
    for (const Range& match : pattern_.find_all(text)) {
      if (done < match.begin) parts.push_back({{done, match.begin}, invert_});
      parts.push_back({match, !invert_});
      done = match.end;
    }
    if (done < text.size()) parts.push_back({{done, text.size()}, invert_});
    return parts;
  }

  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
  std::optional<WordPattern> scanner_;
};

// \w+|[^\w\s]+
class Whitespace final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    cut(pieces, [](std::string_view text) {
      std::vector<Range> runs;
      int previous = 0;
      for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        const char32_t c = next_char(text, i);
        const int kind = is_word_char(c) ? 1 : is_whitespace(c) ? 0 : 2;
        if (kind != 0 && kind == previous) {
          runs.back().end = i;
        } else if (kind != 0) {
          runs.push_back({start, i});
        }
        previous = kind;
      }
      return runs;
    });
  }
};

class WhitespaceSplit final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    cut_by_character(pieces, SplitBehavior::removed, is_whitespace);
  }
};

class BertPreTokenizer final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    cut_by_character(pieces, SplitBehavior::removed, is_whitespace);
    cut_by_character(pieces, SplitBehavior::isolated, is_punctuation);
  }
};

class Punctuation final : public PreTokenizer {
 public:
  explicit Punctuation(const JsonField& field) {
    if (const auto behavior = field.find("behavior")) behavior_ = split_behavior(*behavior);
  }
  void apply(Pieces& pieces) const override { cut_by_character(pieces, behavior_, is_punctuation); }
  bool keeps_text() const override { return behavior_ != SplitBehavior::removed; }

 private:
  SplitBehavior behavior_ = SplitBehavior::isolated;
};

class Digits final : public PreTokenizer {
 public:
  explicit Digits(const JsonField& field)
      : behavior_(field.boolean("individual_digits", false) ? SplitBehavior::isolated
                                                            : SplitBehavior::contiguous) {}
  void apply(Pieces& pieces) const override { cut_by_character(pieces, behavior_, is_number); }
  bool keeps_text() const override { return true; }

 private:
  SplitBehavior behavior_;
};

char32_t one_character(const JsonField& field) {
  const std::string& text = field.string();
  std::size_t end = 0;
  const char32_t c = text.empty() ? 0 : next_char(text, end);
  if (text.empty() || end != text.size()) field.fail("expected one character");
  return c;
}

class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(const JsonField& field) : delimiter_(one_character(field.at("delimiter"))) {}
  void apply(Pieces& pieces) const override {
    cut_by_character(pieces, SplitBehavior::removed, [this](char32_t c) { return c == delimiter_; });
  }

 private:
  char32_t delimiter_;
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const JsonField& field)
      : replacement_char_(one_character(field.at("replacement"))),
        replacement_(field.at("replacement").string()),
        split_(field.boolean("split", true)) {
    if (const auto scheme = field.find("prepend_scheme")) {
      const std::string& name = scheme->string();
      if (name != "always" && name != "first" && name != "never") {
        scheme->fail(fmt::format("expected 'always', 'first' or 'never', found '{}'", name));
      }
      prepend_ = name == "always" ? Prepend::always : name == "first" ? Prepend::first : Prepend::never;
    }
    if (!field.boolean("add_prefix_space", true)) prepend_ = Prepend::never;
  }

  void apply(Pieces& pieces) const override {
    for (Piece& piece : pieces.list) {
      std::string text;
      text.reserve(piece.text.size() * 5 / 4 + replacement_.size());
      for (const char c : piece.text) {
        if (c == ' ') {
          text += replacement_;
        } else {
          text += c;
        }
      }
      const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && piece.first);
      if (wanted && text.compare(0, replacement_.size(), replacement_) != 0) text.insert(0, replacement_);
      piece.text = keep(pieces, std::move(text));
    }
    if (split_) {
      cut_by_character(pieces, SplitBehavior::merged_with_next,
                       [this](char32_t c) { return c == replacement_char_; });
    }
  }

 private:
  enum class Prepend { always, first, never };
  char32_t replacement_char_;
  std::string replacement_;
  bool split_;
  Prepend prepend_ = Prepend::always;
};

class Sequence final : public PreTokenizer {
 public:
  Sequence(const JsonField& field, int depth) {
    for (const JsonField& item : field.at("pretokenizers").items())
      steps_.push_back(make_pretokenizer(item, depth + 1));
  }
  void apply(Pieces& pieces) const override {
    for (const auto& step : steps_) step->apply(pieces);
  }
  bool take_byte_mapping() override { return !steps_.empty() && steps_.back()->take_byte_mapping(); }
  bool keeps_text() const override {
    return std::all_of(steps_.begin(), steps_.end(), [](const auto& step) { return step->keeps_text(); });
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_pretokenizer(const JsonField& field, int depth) {
  if (depth > kMaxNesting) field.fail("nested too deeply");
  const std::string& kind = field.kind();
  if (kind == "ByteLevel") return std::make_unique<ByteLevel>(field);
  if (kind == "Split") return std::make_unique<Split>(field);
  if (kind == "Whitespace") return std::make_unique<Whitespace>();
  if (kind == "WhitespaceSplit") return std::make_unique<WhitespaceSplit>();
  if (kind == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (kind == "Metaspace") return std::make_unique<Metaspace>(field);
  if (kind == "Punctuation") return std::make_unique<Punctuation>(field);
  if (kind == "Digits") return std::make_unique<Digits>(field);
  if (kind == "CharDelimiterSplit") return std::make_unique<CharDelimiterSplit>(field);
  if (kind == "Sequence") return std::make_unique<Sequence>(field, depth);
  field.unknown_kind("pre-tokenizer",
                     {"ByteLevel", "Split", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Metaspace",
                      "Punctuation", "Digits", "CharDelimiterSplit", "Sequence"});
}

}  // namespace w2s::text
