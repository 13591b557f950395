#include "config.hpp"

#include <cmath>
#include <filesystem>

#include <w2s/json.hpp>

namespace w2s::hf {

Config Config::read(const std::string& folder) {
  const std::string path = folder + "/config.json";
  if (!std::filesystem::is_directory(folder)) throw UsageError(folder + ": there is no such model folder");
  if (!std::filesystem::exists(path))
    throw UsageError(folder + ": not a Hugging Face model: config.json is missing");
  const Value value = read_json(path);
  if (!value.is_table())
    throw UsageError(path + ": expected a JSON object, found " + std::string(value.kind_name()));
  return Config(value.as_table(), path);
}

void Config::fail(const std::string& message) const { throw UsageError(name_ + ": " + message); }

const Value* Config::find(std::string_view key) const {
  const Value* value = table_.find(key);
  return value && !value->is_null() ? value : nullptr;
}

const Value* Config::first(std::initializer_list<const char*> keys, bool required) const {
  for (const char* key : keys) {
    if (const Value* value = find(key)) return value;
  }
  if (required) fail("'" + std::string(*keys.begin()) + "' is missing");
  return nullptr;
}

std::int64_t Config::size(std::initializer_list<const char*> keys,
                          std::optional<std::int64_t> fallback) const {
  const Value* value = first(keys, !fallback);
  if (!value) return *fallback;
  const bool integer = value->kind() == Value::Kind::integer;
  if (!integer || value->as_int() < 1 || value->as_int() > INT32_MAX) {
    fail("'" + std::string(*keys.begin()) + "' = " + value->canonical() + ": expected a positive integer");
  }
  return value->as_int();
}

std::int64_t Config::token(const char* key) const {
  const Value* value = find(key);
  if (value && value->is_list() && !value->as_list().empty()) value = &value->as_list().front();
  if (!value) return -1;
  if (value->kind() != Value::Kind::integer) {
    fail("'" + std::string(key) + "' = " + value->canonical() + ": expected a token id");
  }
  return value->as_int();
}

double Config::real(std::initializer_list<const char*> keys, std::optional<double> fallback) const {
  const Value* value = first(keys, !fallback);
  if (!value) return *fallback;
  if (!value->is_number() || !std::isfinite(value->as_real())) {
    fail("'" + std::string(*keys.begin()) + "' = " + value->canonical() + ": expected a number");
  }
  return value->as_real();
}

bool Config::flag(const char* key, bool fallback) const {
  const Value* value = find(key);
  if (!value) return fallback;
  if (value->kind() != Value::Kind::boolean) {
    fail("'" + std::string(key) + "' = " + value->canonical() + ": expected true or false");
  }
  return value->as_bool();
}

std::string Config::text(std::initializer_list<const char*> keys, std::optional<std::string> fallback) const {
  const Value* value = first(keys, !fallback);
  if (!value) return *fallback;
  if (!value->is_string()) {
    fail("'" + std::string(*keys.begin()) + "' = " + value->canonical() + ": expected a string");
  }
  return value->as_string();
}

std::vector<std::int64_t> Config::sizes(const char* key) const {
  const Value* value = first({key}, true);
  std::vector<std::int64_t> sizes;
  bool valid = value->is_list() && !value->as_list().empty();
  if (valid) {
    for (const Value& item : value->as_list()) {
      valid =
          valid && item.kind() == Value::Kind::integer && item.as_int() >= 1 && item.as_int() <= INT32_MAX;
      if (valid) sizes.push_back(item.as_int());
    }
  }
  if (!valid)
    fail("'" + std::string(key) + "' = " + value->canonical() + ": expected a list of positive integers");
  return sizes;
}

Config Config::nested(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return Config({}, name_);
  if (!value->is_table()) {
    fail("'" + std::string(key) + "': expected an object, found " + std::string(value->kind_name()));
  }
  return Config(value->as_table(), name_ + ": " + std::string(key));
}

}  // namespace w2s::hf
