#include "base/code_text.hpp"

#include <algorithm>
#include <cctype>

namespace w2s {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  std::string text() {
    while (at_ < source_.size()) step();
    return std::move(out_);
  }

 private:
  bool starts(std::string_view text) const { return source_.substr(at_, text.size()) == text; }
  std::size_t find(std::string_view text, std::size_t from) const {
    const std::size_t found = source_.find(text, from);
    return found == std::string_view::npos ? source_.size() : found;
  }

  void step() {
    const char c = source_[at_];
    if (starts("\\\n")) {
      at_ += 2, blank_ = true;
    } else if (c == '\n' && directive_) {
      out_ += '\n', ++at_, directive_ = blank_ = false;
    } else if (is_blank(c)) {
      ++at_, blank_ = true;
    } else if (starts("//")) {
      at_ = find("\n", at_), blank_ = true;
    } else if (starts("/*")) {
      at_ = std::min(source_.size(), find("*/", at_ + 2) + 2), blank_ = true;
    } else {
      if (c == '#' && begins_line()) begin_directive();
      separate(c);
      if (c == '"') {
        take(ends_in_raw_prefix() ? raw_end() : quoted_end('"'));
      } else if (c == '\'' && !(!out_.empty() && is_word(out_.back()) && follows_digit())) {
        take(quoted_end('\''));
      } else {
        take(at_ + 1);
      }
    }
  }

  bool begins_line() const {
    std::size_t i = at_;
    while (i > 0 && source_[i - 1] != '\n' && is_blank(source_[i - 1])) --i;
    return i == 0 || source_[i - 1] == '\n';
  }

  void begin_directive() {
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    directive_ = true;
    blank_ = false;
  }

  void separate(char next) {
    if (blank_ && !out_.empty() && !is_blank(out_.back()) && is_word(out_.back()) == is_word(next))
      out_ += ' ';
    blank_ = false;
  }

  // 1'000'000
  bool follows_digit() const {
    std::size_t i = out_.size();
    while (i > 0 && (is_word(out_[i - 1]) || out_[i - 1] == '\'')) --i;
    return i < out_.size() && std::isdigit(static_cast<unsigned char>(out_[i])) != 0;
  }

  // R"( or u8R"(
  bool ends_in_raw_prefix() const {
    if (out_.empty() || out_.back() != 'R' || at_ == 0 || source_[at_ - 1] != 'R') return false;
    std::size_t i = out_.size() - 1;
    while (i > 0 && is_word(out_[i - 1])) --i;
    const std::string prefix = out_.substr(i);
    return prefix == "R" || prefix == "LR" || prefix == "uR" || prefix == "UR" || prefix == "u8R";
  }

  std::size_t raw_end() const {
    const std::size_t open = find("(", at_);
    const std::string close = ")" + std::string(source_.substr(at_ + 1, open - at_ - 1)) + "\"";
    return std::min(source_.size(), find(close, open) + close.size());
  }

  std::size_t quoted_end(char quote) const {
    std::size_t i = at_ + 1;
    while (i < source_.size() && source_[i] != quote && source_[i] != '\n') i += source_[i] == '\\' ? 2 : 1;
    return std::min(source_.size(), i + 1);
  }

  void take(std::size_t end) {
    out_ += source_.substr(at_, end - at_);
    at_ = end;
  }

  std::string_view source_;
  std::string out_;
  std::size_t at_ = 0;
  bool blank_ = false, directive_ = false;
};

}  // namespace

std::string code_text(std::string_view source) { return Reader(source).text(); }

}  // namespace w2s
