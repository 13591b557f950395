#include "plugins/fields.hpp"

#include <algorithm>

namespace w2s {

Fields Fields::parse(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    fields.add(std::string(line.substr(0, equals)), std::string(line.substr(equals + 1)));
  }
  return fields;
}

bool Fields::has(std::string_view key) const { return !all(key).empty(); }

std::string Fields::get(std::string_view key) const {
  for (const auto& [name, value] : items_) {
    if (name == key) return value;
  }
  return "";
}

std::vector<std::string> Fields::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : items_) {
    if (name == key) values.push_back(value);
  }
  return values;
}

}  // namespace w2s
