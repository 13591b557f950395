#include <limits>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "values/toml.hpp"

namespace w2s {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxDepth = 128;

// Builds a Value from the parser's events. (nlohmann's ordered objects take
// quadratic time for large vocabularies, and overwrite repeated keys.)
class Builder {
 public:
  explicit Builder(const std::string& name) : name_(name) {}

  Value take() { return std::move(root_); }

  bool null() { return add({}); }
  bool boolean(bool v) { return add(v); }
  bool number_integer(std::int64_t v) { return add(v); }
  bool number_unsigned(std::uint64_t v) {
    if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return add(static_cast<double>(v));
    return add(static_cast<std::int64_t>(v));
  }
  bool number_float(double v, const std::string&) { return add(v); }
  bool string(std::string& v) { return add(std::move(v)); }
  bool binary(Json::binary_t&) { return false; }

  bool start_array(std::size_t) { return open(true); }
  bool end_array() {
    List items = std::move(open_.back().items);
    open_.pop_back();
    return add(std::move(items));
  }
  bool start_object(std::size_t) { return open(false); }
  bool key(std::string& key) {
    if (!open_.back().keys.insert(key).second) throw Error(name_ + ": key '" + key + "' appears twice");
    open_.back().key = std::move(key);
    return true;
  }
  bool end_object() {
    Table table = Table::of(std::move(open_.back().entries));
    table.at({name_, 0, 0});
    open_.pop_back();
    return add(std::move(table));
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    const std::string text = error.what();  // "[json.exception.…] parse error at line …"
    const std::size_t begin = text.find("] ");
    throw Error(name_ + ": not JSON: " + (begin == std::string::npos ? text : text.substr(begin + 2)));
  }

 private:
  struct Open {
    bool list;
    List items;
    std::vector<Table::Entry> entries;
    std::unordered_set<std::string> keys;
    std::string key;
  };

  bool open(bool list) {
    if (open_.size() == kMaxDepth)
      throw Error(name_ + ": nested more than " + std::to_string(kMaxDepth) + " deep");
    open_.push_back({list, {}, {}, {}, {}});
    return true;
  }

  bool add(Value value) {
    value.at({name_, 0, 0});
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().list) {
      open_.back().items.push_back(std::move(value));
    } else {
      open_.back().entries.emplace_back(std::move(open_.back().key), std::move(value));
    }
    return true;
  }

  const std::string& name_;
  Value root_;
  std::vector<Open> open_;
};

Json to_json(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::boolean:
      return value.as_bool();
    case Value::Kind::integer:
      return value.as_int();
    case Value::Kind::real:
      return value.as_real();
    case Value::Kind::string:
      return value.as_string();
    case Value::Kind::list: {
      Json list = Json::array();
      for (const Value& item : value.as_list()) list.push_back(to_json(item));
      return list;
    }
    case Value::Kind::table:
      break;
  }
  Json::object_t object;
  for (const auto& [key, child] : value.as_table()) object.emplace_back(key, to_json(child));
  return object;
}

}  // namespace

Value parse_json(const std::string& text, const std::string& name) {
  Builder builder(name);
  Json::sax_parse(text, &builder);
  return builder.take();
}

std::string write_json(const Value& value, int indent) {
  return to_json(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace w2s
