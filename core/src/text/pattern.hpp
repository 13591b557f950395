// Pattern: what Split and Replace look for, a literal string or a regular expression.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_field.hpp"
#include "text/regex.hpp"

namespace w2s::text {

class Pattern {
 public:
  /// {"String": "…"} or {"Regex": "…"}.
  explicit Pattern(const JsonField& field);

  std::vector<Range> find_all(std::string_view text) const;
  /// `text` with each match replaced, as it stands, by `content`.
  std::string replace(std::string_view text, std::string_view content) const;
  /// The regular expression as written; empty for a literal string.
  const std::string& regex_source() const { return regex_source_; }

 private:
  std::string literal_, regex_source_;
  std::shared_ptr<const Regex> regex_;
};

}  // namespace w2s::text
