#include <w2s/schema.hpp>

#include <algorithm>

namespace w2s {
namespace {

std::string comma_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// Where a table begins, or its first key where nobody noted that.
const Source& place_of(const Table& table) {
  return table.source().text().empty() && !table.empty() ? table.begin()->second.source() : table.source();
}

}  // namespace

SchemaBase::~SchemaBase() = default;

Field& SchemaBase::add(std::string name, std::string doc, FieldRef type, std::function<FieldRef(void*)> ref) {
  return *fields_.emplace_back(
      std::make_unique<Field>(std::move(name), std::move(doc), type, std::move(ref)));
}

void SchemaBase::parse(const Table& table, void* params, std::string_view what) const {
  const std::string owner = what.empty() ? "" : std::string(what) + ": ";
  std::vector<std::string> names;
  for (const auto& field : fields_) names.push_back(field->name());

  for (const auto& [key, value] : table) {
    const auto it = std::find(names.begin(), names.end(), key);
    if (it == names.end()) {
      fail_at(value, owner + "unknown parameter '" + key + "'" + did_you_mean(key, names) +
                         (names.empty() ? "; it takes none" : "; it takes " + comma_list(names)));
    }
    fields_[static_cast<std::size_t>(it - names.begin())]->assign(params, value, what);
  }
  for (const auto& field : fields_) {
    if (field->is_required() && !table.find(field->name())) {
      fail_at(place_of(table), owner + "'" + field->name() + "' is missing: " + field->doc() + " (" +
                                   field->type_text() + ")");
    }
  }
}

Table SchemaBase::resolved(void* params) const {
  Table table;
  for (const auto& field : fields_) {
    Value value = field->read(params);
    if (!value.is_null()) table.set(field->name(), std::move(value));
  }
  return table;
}

}  // namespace w2s
