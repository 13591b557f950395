// Value: a piece of configuration, as read from TOML, with the place it came from.
//
// A Value owns its contents and copies deeply. Tables keep the order in which
// their keys were written. The core converts TOML and JSON to and from Value;
// plugins rarely touch one: they see their Params (schema.hpp). Values are like
// containers: several threads may read one, and one that is written to has one owner.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <w2s/error.hpp>

namespace w2s {

class Value;
using List = std::vector<Value>;

/// An ordered table. Keys are unique.
class W2S_API Table {
 public:
  using Entry = std::pair<std::string, Value>;
  Table();
  Table(std::initializer_list<Entry> entries);
  Table(const Table&);
  Table(Table&&) noexcept;
  Table& operator=(const Table&);
  Table& operator=(Table&&) noexcept;
  ~Table();
  /// In one step, for many entries; the keys must be unique.
  static Table of(std::vector<Entry> entries);

  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// Throws UsageError where the key is absent.
  const Value& at(std::string_view key) const;
  /// Replaces the value of an existing key in place; appends a new key.
  Value& set(std::string key, Value value);
  bool erase(std::string_view key);

  bool empty() const;
  std::size_t size() const;
  std::vector<Entry>::const_iterator begin() const;
  std::vector<Entry>::const_iterator end() const;
  std::vector<Entry>::iterator begin();
  std::vector<Entry>::iterator end();
  std::vector<std::string> keys() const;

  /// Where the table begins: for messages about what is missing from it.
  const Source& source() const { return source_; }
  Table& at(Source source);

 private:
  std::vector<Entry> entries_;
  Source source_;
};

class W2S_API Value {
 public:
  enum class Kind { null, boolean, integer, real, string, list, table };

  Value() = default;
  Value(bool v) : data_(v) {}
  Value(int v) : data_(static_cast<std::int64_t>(v)) {}
  Value(std::int64_t v) : data_(v) {}
  Value(double v) : data_(v) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(List v) : data_(std::move(v)) {}
  Value(Table v) : data_(std::move(v)) {}

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_table() const { return kind() == Kind::table; }
  bool is_number() const { return kind() == Kind::integer || kind() == Kind::real; }
  /// "a table", "an integer", …: for messages.
  std::string_view kind_name() const;

  // Each throws UsageError("<source>: expected …, found …") on another kind.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_real() const;  ///< integers are accepted
  const std::string& as_string() const;
  const List& as_list() const;
  List& as_list();
  const Table& as_table() const;
  Table& as_table();

  const Source& source() const { return source_; }
  Value& at(Source source) {
    source_ = std::move(source);
    return *this;
  }

  /// Equality of contents; sources do not matter, and 1 differs from 1.0.
  /// The order of keys does not matter either.
  friend W2S_API bool operator==(const Value& a, const Value& b);

  /// "a string ("abc")": the kind, and the value itself where it is short. For messages.
  std::string description() const;
  /// JSON with sorted keys and shortest round-trip numbers: what digests are made of.
  std::string canonical() const;
  /// One line of TOML, as it could be written after "key = ". Null has no such form: throws Error.
  std::string toml() const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Table> data_;
  Source source_;
};

/// A key as TOML writes it: bare where it can be, else quoted.
W2S_API std::string toml_key(std::string_view key);

/// Throws UsageError at the place of `where`.
[[noreturn]] W2S_API void fail_at(const Value& where, const std::string& message);
[[noreturn]] W2S_API void fail_at(const Source& where, const std::string& message);

}  // namespace w2s
