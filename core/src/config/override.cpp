#include "config/override.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "values/toml.hpp"

namespace w2s {
namespace {

// Tells, character by character, whether a text is inside quotes or brackets.
class Nesting {
 public:
  bool inside() const { return quote_ != 0 || depth_ > 0; }
  void step(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (quote_) {
      if (c == '\\' && quote_ == '"') escaped_ = true;
      if (c == quote_) quote_ = 0;
    } else if (c == '"' || c == '\'') {
      quote_ = c;
    } else if (c == '[' || c == '{') {
      ++depth_;
    } else if (c == ']' || c == '}') {
      --depth_;
    }
  }

 private:
  char quote_ = 0;
  int depth_ = 0;
  bool escaped_ = false;
};

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  Nesting nesting;
  for (const char c : text) {
    if (c == ',' && !nesting.inside()) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
    nesting.step(c);
  }
  return parts;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

void place(Value& value, const Source& source) {
  value.at(source);
  if (value.is_list()) {
    for (Value& item : value.as_list()) place(item, source);
  } else if (value.is_table()) {
    value.as_table().at(source);
    for (auto& [key, child] : value.as_table()) place(child, source);
  }
}

std::optional<Value> as_toml(const std::string& text) {
  try {
    const Value document = parse_toml("v = " + text, "");
    if (document.as_table().size() == 1) return document.as_table().at("v");
  } catch (const UsageError&) {
  }
  return std::nullopt;
}

// ".5" and "1." are what people type, though TOML wants "0.5" and "1.0".
std::optional<Value> as_loose_real(const std::string& text) {
  double v = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, v);
  if (error != std::errc() || stop != end || text.find('.') == std::string::npos) return std::nullopt;
  return Value(v);
}

bool is_bare(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || std::string_view("_-./:+~@%").find(c) != std::string_view::npos;
  });
}

Value parse_value(const std::string& written, const Source& source) {
  const std::string text = trimmed(written);
  if (text.empty()) fail_at(source, "the value is empty: expected a TOML value or a word");
  std::optional<Value> value = as_toml(text);
  if (!value) value = as_loose_real(text);
  if (!value && is_bare(text)) value = Value(text);
  if (!value)
    fail_at(source,
            "'" + text + "' is neither a TOML value nor a bare word: quote strings with spaces or signs");
  place(*value, source);
  return *std::move(value);
}

struct Halves {
  KeyPath path;
  std::string value;
  Source source;
};

Halves split_option(const std::string& flag, const std::string& option, const char* expected) {
  const Source source{flag + " " + option, 0, 0};
  Nesting nesting;
  for (std::size_t i = 0; i < option.size(); ++i) {
    if (option[i] == '=' && !nesting.inside()) {
      return {parse_key_path(option.substr(0, i), source), option.substr(i + 1), source};
    }
    nesting.step(option[i]);
  }
  fail_at(source, std::string("expected ") + expected);
}

void add_axes(const Value& node, const KeyPath& prefix, std::vector<Axis>& axes) {
  for (const auto& [key, value] : node.as_table()) {
    KeyPath path = prefix;
    for (std::string& part : parse_key_path(key, value.source())) path.push_back(std::move(part));
    if (value.is_table()) {
      add_axes(value, path, axes);
      continue;
    }
    if (!value.is_list()) {
      fail_at(value,
              "[sweep]: '" + key_text(path) + "': expected a list of values, found " + value.description());
    }
    if (value.as_list().empty())
      fail_at(value, "[sweep]: '" + key_text(path) + "': the list of values is empty");
    axes.push_back({path, value.as_list(), value.source()});
  }
}

// The child of a table or a list, or null. A string is opened to { type = string } first.
Value* child_of(Value& node, const KeyPath& path, std::size_t i, const Source& source) {
  if (node.is_string()) {
    const Source written = node.source();
    node = Value(Table{{"type", node}}.at(written)).at(written);
  }
  if (node.is_table()) return node.as_table().find(path[i]);
  const std::string parent = key_text({path.begin(), path.begin() + static_cast<std::ptrdiff_t>(i)});
  if (!node.is_list()) {
    fail_at(source, "'" + key_text(path) + "': '" + parent + "' is " + node.description() + ", not a table");
  }
  List& list = node.as_list();
  std::size_t position = 0;
  const char* end = path[i].data() + path[i].size();
  const auto [stop, error] = std::from_chars(path[i].data(), end, position);
  if (error != std::errc() || stop != end || position >= list.size()) {
    fail_at(source, "'" + key_text(path) + "': '" + parent + "' is a list of " + std::to_string(list.size()) +
                        ": expected a position from 0, found '" + path[i] + "'");
  }
  return &list[position];
}

bool may_be_new(const KeyPath& path, std::size_t i) {
  if (i + 2 != path.size()) return false;
  if (i == 1) return path[0] == "task" && path[1] == "split";
  return path[i] == "train" && (i == 0 || (i == 2 && (path[0] == "models" || path[0] == "methods")));
}

}  // namespace

KeyPath parse_key_path(const std::string& text, const Source& source) {
  KeyPath path;
  try {
    const Value document = parse_toml(text + " = 0", "");
    for (const Value* node = &document; node->is_table() && node->as_table().size() == 1;) {
      const Table::Entry& entry = *node->as_table().begin();
      path.push_back(entry.first);
      node = &entry.second;
      if (node->kind() == Value::Kind::integer) return path;
    }
  } catch (const UsageError&) {
  }
  fail_at(source, "'" + text + "' is not a dotted key such as train.lr");
}

std::string key_text(const KeyPath& path) {
  std::string out;
  for (const std::string& part : path) out += (out.empty() ? "" : ".") + toml_key(part);
  return out;
}

bool overlap(const KeyPath& a, const KeyPath& b) {
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())),
                    b.begin());
}

Assignment parse_set(const std::string& option) {
  Halves halves = split_option("--set", option, "key=value");
  return {std::move(halves.path), parse_value(halves.value, halves.source)};
}

Axis parse_sweep(const std::string& option) {
  Halves halves = split_option("--sweep", option, "key=value,value,…");
  Axis axis{std::move(halves.path), {}, halves.source};
  for (const std::string& part : split_at_commas(halves.value))
    axis.values.push_back(parse_value(part, halves.source));
  return axis;
}

std::vector<Axis> sweep_axes(const Value& sweep) {
  if (!sweep.is_table()) {
    fail_at(sweep, "sweep: expected a table of \"dotted.key\" = [values], found " + sweep.description());
  }
  std::vector<Axis> axes;
  add_axes(sweep, {}, axes);
  return axes;
}

void assign(Value& root, const KeyPath& path, const Value& value, Missing missing, const Source& source) {
  Value* node = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool last = i + 1 == path.size();
    Value* child = child_of(*node, path, i, source);
    if (child && last) {
      *child = value;
      return;
    }
    if (!child && !last && missing == Missing::refuse && !may_be_new(path, i)) {
      const KeyPath absent(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      std::vector<std::string> near = node->as_table().keys();
      if (i == 0) near.push_back("train");
      fail_at(source, "'" + key_text(path) + "': there is no '" + key_text(absent) + "'" +
                          did_you_mean(path[i], near));
    }
    if (!child) child = &node->as_table().set(path[i], last ? value : Value(Table().at(source)).at(source));
    node = child;
  }
}

}  // namespace w2s
