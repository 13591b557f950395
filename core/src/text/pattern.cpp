#include "text/pattern.hpp"

namespace w2s::text {

Pattern::Pattern(const JsonField& field) {
  if (const auto literal = field.find("String")) {
    literal_ = literal->string();
    return;
  }
  const auto source = field.find("Regex");
  if (!source) field.fail("expected {\"String\": …} or {\"Regex\": …}");
  regex_source_ = source->string();
  try {
    regex_ = std::make_shared<const Regex>(regex_source_);
  } catch (const Error& error) {
    source->fail(error.what());
  }
}

std::vector<Range> Pattern::find_all(std::string_view text) const {
  if (regex_) return regex_->find_all(text);
  std::vector<Range> ranges;
  if (literal_.empty()) return ranges;
  for (std::size_t at = text.find(literal_); at != std::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    ranges.push_back({at, at + literal_.size()});
  }
  return ranges;
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  std::string out;
  std::size_t done = 0;
  for (const Range& match : find_all(text)) {
    out.append(text.substr(done, match.begin - done)).append(content);
    done = match.end;
  }
  return out.append(text.substr(done));
}

}  // namespace w2s::text
