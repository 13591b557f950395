// Field: one value of a table into one member of a Params object, and back.
#include <algorithm>
#include <filesystem>
#include <type_traits>

#include <w2s/schema.hpp>

#include "values/number_text.hpp"

namespace w2s {
namespace {

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;
template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

template <class T>
const char* noun(bool plural) {
  if constexpr (std::is_same_v<T, bool>) return plural ? "booleans" : "boolean";
  if constexpr (std::is_same_v<T, std::int64_t>) return plural ? "integers" : "integer";
  if constexpr (std::is_same_v<T, double>) return plural ? "reals" : "real";
  if constexpr (std::is_same_v<T, std::string>) return plural ? "strings" : "string";
  if constexpr (std::is_same_v<T, Table>) return "table";
}

// Relative paths in a file are meant from that file's folder; on the command line, from the current one.
std::string absolute_path(const std::string& path, const Source& source) {
  namespace fs = std::filesystem;
  if (path.empty()) return path;
  const fs::path folder = source.line > 0 ? fs::path(source.file).parent_path() : fs::path();
  return fs::absolute(folder / path).lexically_normal().string();
}

template <class T>
Value value_of(const T& field) {
  if constexpr (is_optional<T>) {
    return field ? value_of(*field) : Value();
  } else if constexpr (is_list<T>) {
    List list;
    for (const auto& item : field) list.push_back(value_of(item));
    return list;
  } else if constexpr (std::is_same_v<T, Spec>) {
    return field.empty() ? Value() : field.value();
  } else {
    return field;
  }
}

// What a member is to a visitor: a reference, or a WordRef as it is.
template <class T>
T& member(T* pointer) {
  return *pointer;
}
const WordRef& member(const WordRef& word) { return word; }

Value value_of(const WordRef& word) { return word.text(word.member); }

}  // namespace

std::string detail::not_one_of(const std::string& text, const std::vector<std::string>& names) {
  return " is not one of " + one_of_list(names) + did_you_mean(text, names);
}

// Reads one value for one field; `label` names the place in messages: "loss 'gce': q", "… sizes[2]".
class Field::Reader {
 public:
  explicit Reader(const Field& field) : field_(field) {}

  template <class T>
  void read(T& out, const Value& value, const std::string& label) const {
    if constexpr (is_optional<T>) {
      read(out.emplace(), value, label);
    } else if constexpr (std::is_same_v<T, std::vector<Spec>>) {
      if (value.is_list()) {
        read_list(out, value, label);
      } else {
        out.assign(1, Spec::parse(value, label));
      }
    } else if constexpr (is_list<T>) {
      if constexpr (std::is_same_v<T, std::vector<std::string>>) {
        if (value.is_string()) {
          out.assign(1, "");
          return read_scalar(out[0], value, label);
        }
      }
      if (!value.is_list()) wrong_type(value, label, field_.type_text());
      read_list(out, value, label);
      if constexpr (std::is_same_v<T, Matrix>) check_rectangular(out, value, label);
    } else {
      read_scalar(out, value, label);
    }
  }

  void read(const WordRef& out, const Value& value, const std::string& label) const {
    const std::string& text = text_of(value, label);
    const std::string problem = out.read(text, out.member);
    if (!problem.empty()) fail_at(value, label + " = '" + text + "'" + problem);
  }

 private:
  template <class T>
  void read_list(std::vector<T>& out, const Value& value, const std::string& label) const {
    const List& items = value.as_list();
    out.assign(items.size(), T());
    for (std::size_t i = 0; i < items.size(); ++i)
      read(out[i], items[i], label + "[" + std::to_string(i) + "]");
  }

  void read_scalar(bool& out, const Value& value, const std::string& label) const {
    if (value.kind() != Value::Kind::boolean) wrong_type(value, label, "true or false");
    out = value.as_bool();
  }

  void read_scalar(std::int64_t& out, const Value& value, const std::string& label) const {
    if (value.kind() != Value::Kind::integer) wrong_type(value, label, number_type("integer"));
    out = value.as_int();
    check_range(static_cast<double>(out), value, label, "integer");
  }

  void read_scalar(double& out, const Value& value, const std::string& label) const {
    if (!value.is_number()) wrong_type(value, label, number_type("real"));
    out = value.as_real();
    check_range(out, value, label, "real");
  }

  void read_scalar(std::string& out, const Value& value, const std::string& label) const {
    const std::vector<std::string>& names = field_.names_;
    const std::string& text = text_of(value, label);
    if (!names.empty() && std::find(names.begin(), names.end(), text) == names.end())
      fail_at(value, label + " = '" + text + "'" + detail::not_one_of(text, names));
    out = field_.path_ ? absolute_path(text, value.source()) : text;
  }

  const std::string& text_of(const Value& value, const std::string& label) const {
    const std::vector<std::string>& names = field_.names_;
    if (!value.is_string()) wrong_type(value, label, names.empty() ? "string" : one_of_list(names));
    return value.as_string();
  }

  void read_scalar(Spec& out, const Value& value, const std::string& label) const {
    out = Spec::parse(value, label);
  }

  void read_scalar(Table& out, const Value& value, const std::string& label) const {
    if (!value.is_table()) wrong_type(value, label, "table");
    out = value.as_table();
  }

  void check_range(double v, const Value& value, const std::string& label, const char* type) const {
    const bool low = field_.low_open_ ? v > field_.low_ : v >= field_.low_;
    const bool high = field_.high_open_ ? v < field_.high_ : v <= field_.high_;
    if (!(low && high))
      fail_at(value, label + " = " + value.toml() + " is out of range: " + number_type(type));
  }

  void check_rectangular(const Matrix& rows, const Value& value, const std::string& label) const {
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i].size() == rows[0].size()) continue;
      fail_at(value.as_list()[i], label + "[" + std::to_string(i) + "] has " +
                                      std::to_string(rows[i].size()) + " numbers where the first row has " +
                                      std::to_string(rows[0].size()));
    }
  }

  std::string number_type(const char* type) const {
    const std::string range = field_.range_text();
    return range.empty() ? (std::string(type) == "real" ? "finite real" : type) : type + (" " + range);
  }

  [[noreturn]] static void wrong_type(const Value& value, const std::string& label,
                                      const std::string& expected) {
    fail_at(value, label + ": expected " + expected + ", found " + value.description());
  }

  const Field& field_;
};

void Field::assign(void* params, const Value& value, std::string_view owner) const {
  const std::string label = owner.empty() ? name_ : std::string(owner) + ": " + name_;
  std::visit([&](const auto& target) { Reader(*this).read(member(target), value, label); }, ref_(params));
}

Value Field::read(void* params) const {
  return std::visit([](const auto& target) { return value_of(member(target)); }, ref_(params));
}

std::string Field::range_text() const {
  const bool low = !(low_open_ && low_ == -std::numeric_limits<double>::infinity());
  const bool high = !(high_open_ && high_ == std::numeric_limits<double>::infinity());
  if (low && high) {
    return (low_open_ ? "in (" : "in [") + number_text(low_) + ", " + number_text(high_) +
           (high_open_ ? ")" : "]");
  }
  if (low) return (low_open_ ? "> " : "≥ ") + number_text(low_);
  if (high) return (high_open_ ? "< " : "≤ ") + number_text(high_);
  return "";
}

std::string Field::type_text() const {
  const auto ranged = [this](const std::string& text) {
    const std::string range = range_text();
    return range.empty() ? text : text + " " + range;
  };
  const std::string plugin = plugin_.empty() ? "plugin" : plugin_;
  return std::visit(
      [&]<class Ref>(const Ref&) -> std::string {
        using T = std::remove_pointer_t<Ref>;
        if constexpr (std::is_same_v<T, Spec>) {
          return plugin + ": a name or { type = \"…\", … }";
        } else if constexpr (std::is_same_v<T, std::vector<Spec>>) {
          return "list of " + plugin + " names or { type = \"…\", … }";
        } else if constexpr (std::is_same_v<T, Matrix>) {
          return ranged("matrix of reals");
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          if (!names_.empty()) return "list of " + one_of_list(names_);
          return path_ ? "list of paths" : "list of strings";
        } else if constexpr (is_list<T>) {
          return ranged(std::string("list of ") + noun<typename T::value_type>(true));
        } else if constexpr (std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::optional<std::string>>) {
          if (!names_.empty()) return "one of " + one_of_list(names_);
          return path_ ? "path" : "string";
        } else if constexpr (std::is_same_v<T, WordRef>) {
          return names_.empty() ? "string" : "one of " + one_of_list(names_);
        } else if constexpr (is_optional<T>) {
          return ranged(noun<typename T::value_type>(false));
        } else {
          return ranged(noun<T>(false));
        }
      },
      type_);
}

}  // namespace w2s
