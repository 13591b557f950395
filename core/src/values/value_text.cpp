// Value as canonical JSON and as a line of TOML. Both escape strings the same way.
#include <algorithm>
#include <cmath>

#include <w2s/value.hpp>

#include "values/number_text.hpp"

namespace w2s {
namespace {

std::string in_quotes(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kDigits[c >> 4];
          out += kDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

template <class Items, class Text>
std::string joined(const Items& items, const char* separator, Text text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += separator;
    out += text(item);
  }
  return out;
}

}  // namespace

std::string Value::canonical() const {
  switch (kind()) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return as_bool() ? "true" : "false";
    case Kind::integer:
      return std::to_string(as_int());
    case Kind::real:
      return real_text(as_real());
    case Kind::string:
      return in_quotes(as_string());
    case Kind::list:
      return "[" + joined(as_list(), ",", [](const Value& v) { return v.canonical(); }) + "]";
    case Kind::table:
      break;
  }
  std::vector<const Table::Entry*> entries;
  for (const Table::Entry& entry : as_table()) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  return "{" +
         joined(entries, ",",
                [](const auto* e) { return in_quotes(e->first) + ":" + e->second.canonical(); }) +
         "}";
}

std::string Value::toml() const {
  switch (kind()) {
    case Kind::null:
      throw Error("null cannot be written as TOML");
    case Kind::boolean:
      return as_bool() ? "true" : "false";
    case Kind::integer:
      return std::to_string(as_int());
    case Kind::real:
      return real_text(as_real());
    case Kind::string:
      return in_quotes(as_string());
    case Kind::list:
      return "[" + joined(as_list(), ", ", [](const Value& v) { return v.toml(); }) + "]";
    case Kind::table:
      break;
  }
  if (as_table().empty()) return "{}";
  return "{ " +
         joined(as_table(), ", ",
                [](const Table::Entry& e) { return toml_key(e.first) + " = " + e.second.toml(); }) +
         " }";
}

std::string toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : in_quotes(key);
}

}  // namespace w2s
