// Regular expressions with the meaning that they have in a tokenizer.json
// (Oniguruma's, Unicode throughout), run by ICU.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace w2s::text {

/// Bytes [begin, end) of a text.
struct Range {
  std::size_t begin = 0, end = 0;
};

class Regex {
 public:
  /// Throws Error where the pattern does not compile.
  explicit Regex(std::string_view pattern);
  ~Regex();

  /// Matches from left to right in valid UTF-8; an empty match does not touch the one before it.
  /// Throws Error where matching takes more memory or time than ICU is given.
  std::vector<Range> find_all(std::string_view text) const;

  /// ICU's spelling of the pattern.
  static std::string translate(std::string_view pattern);

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace w2s::text
