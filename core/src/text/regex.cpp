#include "text/regex.hpp"

#include <fmt/format.h>
#include <unicode/regex.h>

#include <cctype>

#include <w2s/error.hpp>

namespace w2s::text {

namespace {

constexpr std::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
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

std::string translate_escape(char c, bool in_class) {
  switch (c) {
    case 's': return "\\p{White_Space}";
    case 'S': return "\\P{White_Space}";
    case 'w': return fmt::format("[{}]", kWord);
    case 'W': return fmt::format("[^{}]", kWord);
    case 'h': return "[0-9a-fA-F]";
    case 'H': return "[^0-9a-fA-F]";
    case 'b': return in_class ? "\\x08" : "\\b";
    default: return std::string("\\") + c;
  }
}

}  // namespace

std::string Regex::translate(std::string_view pattern) {
  std::string out;
  int depth = 0;  // of nested sets
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    const std::string_view rest = pattern.substr(i);
    if (c == '\\' && i + 1 < pattern.size()) {
      if (rest.substr(1, 3) == "p{^") {
        out += "\\P{";
        i += 4;
      } else {
        out += translate_escape(pattern[i + 1], depth > 0);
        i += 2;
        if (pattern[i - 1] == 'p' || pattern[i - 1] == 'P' || pattern[i - 1] == 'x') {
          if (i < pattern.size() && pattern[i] == '{') {
            const std::size_t end = std::min(pattern.find('}', i), pattern.size() - 1);
            out += pattern.substr(i, end + 1 - i);
            i = end + 1;
          }
        }
      }
      continue;
    }
    if (c == '[') {
      if (depth > 0 && rest.substr(0, 2) == "[:") {
        const std::size_t end = rest.find(":]");
        if (end != std::string_view::npos) {
          out += rest.substr(0, end + 2);
          i += end + 2;
          continue;
        }
      }
      ++depth;
      out += c;
      ++i;
      if (i < pattern.size() && pattern[i] == '^') out += pattern[i++];
      if (i < pattern.size() && pattern[i] == ']') {
        out += "\\]";
        ++i;
      }
      continue;
    }
    if (c == ']') {
      out += depth > 0 ? "]" : "\\]";
      depth -= depth > 0;
      ++i;
      continue;
    }
    if (depth == 0 && c == '{') {
      if (const std::size_t length = interval_length(rest); length > 0) {
        out += rest[1] == ',' ? "{0" : "{";
        out += rest.substr(1, length - 1);
        i += length;
      } else {
        out += "\\{";
        ++i;
      }
      continue;
    }
    if (depth == 0 && c == '}') {
      out += "\\}";
      ++i;
      continue;
    }
    if (depth == 0 && c == '(') {
      if (const std::size_t length = options_length(rest); length > 0) {
        for (const char option : rest.substr(0, length)) out += option == 'm' ? 's' : option;
        i += length;
        continue;
      }
    }
    if (depth > 0 && (c == '{' || c == '}')) out += '\\';
    out += c;
    ++i;
  }
  return out;
}

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
  if (text.size() > 0x7FFFFFFF) throw Error("a text of more than 2 GiB cannot be split by a regular expression");
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
    throw Error(fmt::format("a regular expression of the tokenizer fails on this text: {}", u_errorName(status)));
  }
  return ranges;
}

}  // namespace w2s::text
