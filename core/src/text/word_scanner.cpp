#include "text/word_scanner.hpp"

#include <array>
#include <cstdint>

#include "text/utf8.hpp"

namespace w2s::text {

namespace {

enum class Class : std::uint8_t { other, letter, number, space };

Class classify(char32_t c) {
  if (is_letter(c)) return Class::letter;
  if (is_number(c)) return Class::number;
  return is_whitespace(c) ? Class::space : Class::other;
}

const std::array<Class, 128>& ascii_classes() {
  static const std::array<Class, 128> classes = [] {
    std::array<Class, 128> table{};
    for (char32_t c = 0; c < 128; ++c) table[c] = classify(c);
    return table;
  }();
  return classes;
}

class Scanner {
 public:
  Scanner(std::string_view text, std::vector<Range>& words) : text_(text), words_(words) {}

  void gpt2() {
    for (std::size_t i = 0; i < text_.size();) {
      std::size_t end = text_[i] == '\'' ? contraction(i, false) : i;
      if (end == i) {
        const std::size_t start = i + (text_[i] == ' ');
        end = start < text_.size() ? run(start) : start;
        if (end == start) end = spaces(i);
      }
      words_.push_back({i, end});
      i = end;
    }
  }

  void llama3(int max_digits) {
    for (std::size_t i = 0; i < text_.size();) {
      const std::size_t end = llama3_word(i, max_digits);
      words_.push_back({i, end});
      i = end;
    }
  }

 private:
  // Class of the character at i; `next` is where it ends.
  Class at(std::size_t i, std::size_t& next) const {
    const auto byte = static_cast<unsigned char>(text_[i]);
    if (byte < 0x80) {
      next = i + 1;
      return classes_[byte];
    }
    next = i;
    return classify(next_char(text_, next));
  }

  // End of the characters of one class from i.
  std::size_t run_of(Class wanted, std::size_t i) const {
    std::size_t next = i;
    while (i < text_.size() && at(i, next) == wanted) i = next;
    return i;
  }

  // End of the letters, the numbers or the others at i; i at white space.
  std::size_t run(std::size_t i) const {
    std::size_t next = i;
    const Class first = at(i, next);
    return first == Class::space ? i : run_of(first, next);
  }

  // End of 's, 't, 're, 've, 'm, 'll or 'd at i; i where there is none.
  std::size_t contraction(std::size_t i, bool any_case) const {
    const auto letter = [&](std::size_t k) -> char {
      if (k >= text_.size()) return '\0';
      const char c = text_[k];
      return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    };
    const char a = letter(i + 1), b = letter(i + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return i + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return i + 3;
    if (any_case && text_.substr(i + 1, 2) == "\xC5\xBF") return i + 3;  // U+017F, a long s
    return i;
  }

  // \s+(?!\S)|\s+ at white space: a run gives its last character to what follows.
  std::size_t spaces(std::size_t i) const {
    std::size_t end = i, last = i, next = i;
    while (end < text_.size() && at(end, next) == Class::space) {
      last = end;
      end = next;
    }
    return end == text_.size() || last == i ? end : last;
  }

  std::size_t newlines(std::size_t i) const {
    while (i < text_.size() && (text_[i] == '\r' || text_[i] == '\n')) ++i;
    return i;
  }

  std::size_t llama3_word(std::size_t i, int max_digits) const {
    if (text_[i] == '\'') {
      const std::size_t end = contraction(i, true);
      if (end != i) return end;
    }
    std::size_t next = i;
    const Class first = at(i, next);
    if (first == Class::letter) return run_of(Class::letter, next);
    if (first == Class::number) {
      std::size_t after = next;
      for (int digits = 1; digits < max_digits && next < text_.size() && at(next, after) == Class::number;
           ++digits) {
        next = after;
      }
      return next;
    }
    if (text_[i] != '\r' && text_[i] != '\n') {
      const std::size_t end = run_of(Class::letter, next);
      if (end != next) return end;
    }
    const std::size_t start = i + (text_[i] == ' ');
    const std::size_t others = run_of(Class::other, start);
    if (others != start) return newlines(others);
    const std::size_t white = run_of(Class::space, i);
    const std::size_t newline = text_.substr(i, white - i).find_last_of("\r\n");
    if (newline != std::string_view::npos) return i + newline + 1;
    return spaces(i);
  }

  std::string_view text_;
  std::vector<Range>& words_;
  const std::array<Class, 128>& classes_ = ascii_classes();
};

}  // namespace

std::optional<WordPattern> known_pattern(std::string_view regex) {
  if (regex == kGpt2Regex) return WordPattern::gpt2;
  if (regex == kLlama3Regex) return WordPattern::llama3;
  if (regex == kQwen2Regex) return WordPattern::qwen2;
  return std::nullopt;
}

void scan_words(WordPattern pattern, std::string_view text, std::vector<Range>& words) {
  Scanner scanner(text, words);
  switch (pattern) {
    case WordPattern::gpt2:
      return scanner.gpt2();
    case WordPattern::llama3:
      return scanner.llama3(3);
    case WordPattern::qwen2:
      return scanner.llama3(1);
  }
}

}  // namespace w2s::text
