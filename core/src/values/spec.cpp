#include <w2s/schema.hpp>

namespace w2s {

Spec Spec::parse(const Value& value, std::string_view what) {
  const std::string name(what);
  Spec spec;
  spec.source = value.source();
  if (value.is_string()) {
    spec.type = value.as_string();
  } else if (value.is_table()) {
    spec.params = value.as_table();
    const Value* type = spec.params.find("type");
    if (!type) fail_at(value, name + " without a type: expected { type = \"…\", … }");
    if (!type->is_string()) fail_at(*type, name + ": type: expected a string, found " + type->description());
    spec.type = type->as_string();
    spec.params.erase("type");
  } else {
    fail_at(value, name + ": expected a name or { type = \"…\", … }, found " + value.description());
  }
  if (spec.type.empty()) fail_at(value, name + ": the name is empty");
  spec.params.at(spec.source);
  return spec;
}

Value Spec::value() const {
  Table table{{"type", Value(type).at(source)}};
  for (const Table::Entry& entry : params) table.set(entry.first, entry.second);
  table.at(source);
  return Value(std::move(table)).at(source);
}

}  // namespace w2s
