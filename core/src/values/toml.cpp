#include "values/toml.hpp"

#include <algorithm>

#include <toml++/toml.h>

#include "base/files.hpp"

namespace w2s {
namespace {

class Converter {
 public:
  explicit Converter(const std::string& file) : file_(file) {}

  Value convert(const toml::node& node, const Source& source) const {
    switch (node.type()) {
      case toml::node_type::table:
        return Value(table(*node.as_table(), source)).at(source);
      case toml::node_type::array:
        return Value(list(*node.as_array())).at(source);
      case toml::node_type::string:
        return Value(node.as_string()->get()).at(source);
      case toml::node_type::integer:
        return Value(node.as_integer()->get()).at(source);
      case toml::node_type::floating_point:
        return Value(node.as_floating_point()->get()).at(source);
      case toml::node_type::boolean:
        return Value(node.as_boolean()->get()).at(source);
      default:
        fail_at(source, "dates and times are not used here: write it as a string");
    }
  }

  Source place(const toml::source_position& position) const {
    return {file_, static_cast<int>(position.line), static_cast<int>(position.column)};
  }

 private:
  // TOML++ sorts its tables by key; the places of the keys give the order of the file back.
  Table table(const toml::table& node, const Source& source) const {
    std::vector<Table::Entry> entries;
    for (const auto& [key, child] : node) {
      entries.emplace_back(std::string(key.str()), convert(child, place(key.source().begin)));
    }
    std::stable_sort(entries.begin(), entries.end(), [](const Table::Entry& a, const Table::Entry& b) {
      const Source &x = a.second.source(), &y = b.second.source();
      return x.line != y.line ? x.line < y.line : x.column < y.column;
    });
    return Table::of(std::move(entries)).at(source);
  }

  List list(const toml::array& node) const {
    List out;
    out.reserve(node.size());
    for (const toml::node& child : node) out.push_back(convert(child, place(child.source().begin)));
    return out;
  }

  const std::string& file_;
};

// Values first, then sub-tables under their headers.
void write_table(const Table& table, const std::string& prefix, std::string& out) {
  bool has_values = false, has_tables = false;
  for (const auto& [key, value] : table) (value.is_table() ? has_tables : has_values) = true;

  if (!prefix.empty() && (has_values || !has_tables)) out += (out.empty() ? "[" : "\n[") + prefix + "]\n";
  for (const auto& [key, value] : table) {
    if (!value.is_table()) out += toml_key(key) + " = " + value.toml() + "\n";
  }
  for (const auto& [key, value] : table) {
    if (value.is_table())
      write_table(value.as_table(), prefix.empty() ? toml_key(key) : prefix + "." + toml_key(key), out);
  }
}

}  // namespace

Value parse_toml(const std::string& text, const std::string& name) {
  const Converter converter(name);
  try {
    const toml::table table = toml::parse(std::string_view(text), std::string_view(name));
    return converter.convert(table, {name, 0, 0});
  } catch (const toml::parse_error& error) {
    std::string message(error.description());
    std::replace(message.begin(), message.end(), '\n', ' ');
    fail_at(converter.place(error.source().begin), "not TOML: " + message);
  }
}

Value parse_toml_file(const std::string& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return parse_toml(text, path);
}

std::string write_toml(const Table& table) {
  std::string out;
  write_table(table, "", out);
  return out;
}

}  // namespace w2s
