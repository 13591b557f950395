#include "text/regex.hpp"

#include <fmt/format.h>
#include <unicode/regex.h>

#include <algorithm>
#include <cctype>

#include <w2s/error.hpp>

namespace w2s::text {

namespace {

// Oniguruma's sets, where ICU's of the same name are others. \w by itself has Latin-1's superscripts and
// fractions too.
constexpr std::string_view kWordSet = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
constexpr std::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u00B2\\u00B3\\u00B9\\u00BC-\\u00BE";
constexpr std::int32_t kTimeLimit = 20000;  // ICU's unit, about a millisecond

// "{2}", "{2,}", "{,3}", "{2,3}" at the start of `rest`: its length, or 0.
std::size_t interval_length(std::string_view rest) {
  std::size_t i = 1, digits = 0, commas = 0;
  for (; i < rest.size() && rest[i] != '}'; ++i) {
    if (std::isdigit(static_cast<unsigned char>(rest[i]))) {
      ++digits;
    } else if (rest[i] == ',' && commas == 0) {
      ++commas;
    } else {
      return 0;
    }
  }
  return i < rest.size() && digits > 0 ? i + 1 : 0;
}

// "(?m-i" and the like at the start of `rest`, up to ':' or ')': its length, or 0.
std::size_t options_length(std::string_view rest) {
  if (rest.substr(0, 2) != "(?") return 0;
  const std::size_t end = rest.find_first_not_of("imx-", 2);
  return end != std::string_view::npos && end > 2 && (rest[end] == ':' || rest[end] == ')') ? end : 0;
}

// Writes ICU's spelling of an Oniguruma pattern (Ruby's syntax) from left to right.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string translate() {
    while (at_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return pattern_.substr(at_); }
  void copy(std::size_t count) {
    out_ += rest().substr(0, count);
    at_ += count;
  }
  void replace(std::size_t count, std::string_view by) {
    out_ += by;
    at_ += count;
  }

  void step() {
    const char c = pattern_[at_];
    if (depth_ > 0) {
      step_in_set(c);
      return;
    }
    if (c == '{') {
      if (const std::size_t length = interval_length(rest()); length > 0) {
        interval(length);
      } else {
        begin_atom();
        replace(1, "\\{");
      }
      return;
    }
    if (c == '(') {
      groups_.push_back(out_.size());
      options();
      return;
    }
    if (c == ')') {
      atom_ = groups_.empty() ? out_.size() : groups_.back();
      if (!groups_.empty()) groups_.pop_back();
      copy(1);
      return;
    }
    if (c != '?' && c != '*' && c != '+') begin_atom();
    if (c == '\\') {
      escape();
    } else if (c == '[') {
      open_set();
    } else if (c == ']' || c == '}') {
      replace(1, c == ']' ? "\\]" : "\\}");
    } else {
      copy(1);
    }
  }

  void begin_atom() { atom_ = out_.size(); }

  // "x{1,3}+" repeats "x{1,3}"; ICU would read it as possessive.
  void interval(std::size_t length) {
    if (pattern_[at_ + 1] == ',') {
      replace(1, "{0");
      --length;
    }
    copy(length);
    if (at_ < pattern_.size() && pattern_[at_] == '+') {
      out_.insert(atom_, "(?:");
      out_ += ')';
    }
  }

  // '(' with its options: Ruby's m is ICU's s.
  void options() {
    const std::size_t length = options_length(rest());
    if (length == 0) return copy(1);
    for (const char option : rest().substr(0, length)) out_ += option == 'm' ? 's' : option;
    at_ += length;
  }

  void step_in_set(char c) {
    if (c == '\\') {
      escape();
    } else if (c == '[' && rest().substr(0, 2) == "[:" && rest().find(":]") != std::string_view::npos) {
      const std::size_t length = rest().find(":]") + 2;
      const std::string_view name = rest().substr(2, length - 4);
      if (name == "punct") {
        replace(length, "[\\p{P}\\p{S}]");
      } else if (name == "word") {
        replace(length, set_of(kWordSet));
      } else {
        copy(length);
      }
    } else if (c == '[') {
      open_set();
    } else if (c == ']') {
      --depth_;
      copy(1);
    } else if (c == '{' || c == '}') {
      replace(1, c == '{' ? "\\{" : "\\}");
    } else {
      copy(1);
    }
  }

  void open_set() {
    ++depth_;
    copy(1);
    if (rest().substr(0, 1) == "^") copy(1);
    if (rest().substr(0, 1) == "]") replace(1, "\\]");
  }

  static std::string set_of(std::string_view members) { return fmt::format("[{}]", members); }
  static std::string set_without(std::string_view members) { return fmt::format("[^{}]", members); }

  void escape() {
    const char c = rest().size() > 1 ? rest()[1] : '\0';
    const std::string_view members = depth_ > 0 ? kWordSet : kWord;
    const std::string word = set_of(members);
    switch (c) {
      case 's':
        return replace(2, "\\p{White_Space}");
      case 'S':
        return replace(2, "\\P{White_Space}");
      case 'w':
        return replace(2, word);
      case 'W':
        return replace(2, set_without(members));
      case 'h':
        return replace(2, "[0-9a-fA-F]");
      case 'H':
        return replace(2, "[^0-9a-fA-F]");
      case 'b':
        if (depth_ > 0) return replace(2, "\\x08");
        return replace(2, fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word));
      case 'B':
        if (depth_ > 0) return copy(2);
        return replace(2, fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word));
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'x':
        return rest().substr(2, 1) == "{" ? copy(std::min(rest().find('}'), rest().size() - 1) + 1) : copy(2);
      default:
        return copy(std::min<std::size_t>(2, rest().size()));
    }
  }

  // \p{Name}, \P{Name}, \p{^Name}
  void property(bool negative) {
    if (rest().substr(2, 1) != "{" || rest().find('}') == std::string_view::npos) return copy(2);
    const std::size_t length = rest().find('}') + 1;
    std::string name(rest().substr(3, length - 4));
    if (name.substr(0, 1) == "^") {
      negative = !negative;
      name.erase(0, 1);
    }
    std::string lower = name;
    for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    if (lower == "punct") name = "P";
    if (lower == "word") return replace(length, negative ? set_without(kWord) : set_of(kWord));
    replace(length, fmt::format("\\{}{{{}}}", negative ? 'P' : 'p', name));
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  int depth_ = 0;                    // of nested sets
  std::size_t atom_ = 0;             // where in out_ the last atom begins
  std::vector<std::size_t> groups_;  // where in out_ the open groups begin
};

}  // namespace

std::string Regex::translate(std::string_view pattern) { return Translator(pattern).translate(); }

struct Regex::Compiled {
  std::unique_ptr<icu::RegexPattern> pattern;
};

Regex::Regex(std::string_view pattern) : compiled_(std::make_unique<Compiled>()) {
  const std::string icu_pattern = translate(pattern);
  UErrorCode status = U_ZERO_ERROR;
  UParseError where;
  compiled_->pattern.reset(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(icu_pattern),
                                                      UREGEX_MULTILINE | UREGEX_UNIX_LINES, where, status));
  if (U_FAILURE(status)) {
    throw Error(fmt::format("cannot use the regular expression '{}': {}", pattern, u_errorName(status)));
  }
}

Regex::~Regex() = default;

std::vector<Range> Regex::find_all(std::string_view text) const {
  if (text.size() > 0x7FFFFFFF)
    throw Error("a text of more than 2 GiB cannot be split by a regular expression");
  const auto utf16 =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::RegexMatcher> matcher(compiled_->pattern->matcher(utf16, status));
  if (U_SUCCESS(status)) matcher->setTimeLimit(kTimeLimit, status);
  std::vector<Range> ranges;
  std::int32_t unit = 0;
  std::size_t byte = 0;
  const auto byte_at = [&](std::int32_t target) {
    while (unit < target) {
      const char16_t c = utf16[unit];
      if (U16_IS_LEAD(c)) {
        unit += 2;
        byte += 4;
      } else {
        ++unit;
        byte += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
      }
    }
    return byte;
  };
  while (U_SUCCESS(status) && matcher->find(status)) {
    const std::size_t begin = byte_at(matcher->start(status));
    const std::size_t end = byte_at(matcher->end(status));
    if (begin == end && !ranges.empty() && ranges.back().end == begin) continue;
    ranges.push_back({begin, end});
  }
  if (U_FAILURE(status)) {
    throw Error(
        fmt::format("a regular expression of the tokenizer fails on this text: {}", u_errorName(status)));
  }
  return ranges;
}

}  // namespace w2s::text
