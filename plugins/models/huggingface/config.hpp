// A model's config.json: typed reading with one clear error per wrong field.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include <w2s/value.hpp>

namespace w2s::hf {

class Config {
 public:
  /// Reads <folder>/config.json. Throws UsageError where folder, file or `model_type` is missing.
  static Config read(const std::string& folder);
  /// `name` stands for the file in messages.
  Config(Table table, std::string name) : table_(std::move(table)), name_(std::move(name)) {}

  // The first of `keys` that is there and not null; families changed names over the years.
  // Without a fallback the key must be there. Every reader throws UsageError naming file, key and value.

  /// A size: an integer in [1, 2³¹).
  std::int64_t size(std::initializer_list<const char*> keys, std::optional<std::int64_t> fallback = {}) const;
  /// Any integer, -1 where it is absent.
  std::int64_t token(const char* key) const;
  /// A finite number.
  double real(std::initializer_list<const char*> keys, std::optional<double> fallback = {}) const;
  bool flag(const char* key, bool fallback) const;
  std::string text(std::initializer_list<const char*> keys, std::optional<std::string> fallback = {}) const;
  std::vector<std::int64_t> sizes(const char* key) const;
  /// Null where it is absent.
  const Value* find(std::string_view key) const;
  /// A nested table as a Config of its own; empty where it is absent.
  Config nested(std::string_view key) const;

  [[noreturn]] void fail(const std::string& message) const;
  const Table& table() const { return table_; }
  Table& table() { return table_; }
  const std::string& name() const { return name_; }

 private:
  const Value* first(std::initializer_list<const char*> keys, bool required) const;

  Table table_;
  std::string name_;
};

}  // namespace w2s::hf
