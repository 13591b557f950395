#include <w2s/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "values/number_text.hpp"

namespace w2s {
namespace {

constexpr std::size_t kShownString = 60;

[[noreturn]] void wrong_kind(const Value& value, const char* expected) {
  fail_at(value, std::string("expected ") + expected + ", found " + value.description());
}

bool same_real(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_table(const Table& a, const Table& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const Table::Entry& entry) {
           const Value* other = b.find(entry.first);
           return other && entry.second == *other;
         });
}

}  // namespace

std::string number_text(double v) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v == 0 ? 0.0 : v).ptr;
  return std::isnan(v) ? "nan" : std::string(buffer.data(), end);
}

std::string real_text(double v) {
  std::string text = number_text(v);
  if (std::isfinite(v) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Table::Table() = default;
Table::Table(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}
Table::Table(const Table&) = default;
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(const Table&) = default;
Table& Table::operator=(Table&&) noexcept = default;
Table::~Table() = default;

Table Table::of(std::vector<Entry> entries) {
  Table table;
  table.entries_ = std::move(entries);
  return table;
}

const Value* Table::find(std::string_view key) const {
  const auto it =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == key; });
  return it == entries_.end() ? nullptr : &it->second;
}

Value* Table::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

const Value& Table::at(std::string_view key) const {
  if (const Value* value = find(key)) return *value;
  fail_at(source_, "'" + std::string(key) + "' is missing" + did_you_mean(key, keys()));
}

Value& Table::set(std::string key, Value value) {
  if (Value* present = find(key)) return *present = std::move(value);
  return entries_.emplace_back(std::move(key), std::move(value)).second;
}

bool Table::erase(std::string_view key) {
  return std::erase_if(entries_, [&](const Entry& e) { return e.first == key; }) > 0;
}

bool Table::empty() const { return entries_.empty(); }
std::size_t Table::size() const { return entries_.size(); }
std::vector<Table::Entry>::const_iterator Table::begin() const { return entries_.begin(); }
std::vector<Table::Entry>::const_iterator Table::end() const { return entries_.end(); }
std::vector<Table::Entry>::iterator Table::begin() { return entries_.begin(); }
std::vector<Table::Entry>::iterator Table::end() { return entries_.end(); }

std::vector<std::string> Table::keys() const {
  std::vector<std::string> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_) out.push_back(entry.first);
  return out;
}

Table& Table::at(Source source) {
  source_ = std::move(source);
  return *this;
}

std::string_view Value::kind_name() const {
  switch (kind()) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::real:
      return "a real";
    case Kind::string:
      return "a string";
    case Kind::list:
      return "a list";
    case Kind::table:
      return "a table";
  }
  return "nothing";
}

std::string Value::description() const {
  const std::string name(kind_name());
  if (is_null() || is_list() || is_table()) return name;
  if (is_string() && as_string().size() > kShownString) return name;
  return name + " (" + toml() + ")";
}

bool Value::as_bool() const {
  if (const bool* v = std::get_if<bool>(&data_)) return *v;
  wrong_kind(*this, "a boolean");
}

std::int64_t Value::as_int() const {
  if (const std::int64_t* v = std::get_if<std::int64_t>(&data_)) return *v;
  wrong_kind(*this, "an integer");
}

double Value::as_real() const {
  if (const double* v = std::get_if<double>(&data_)) return *v;
  if (const std::int64_t* v = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*v);
  wrong_kind(*this, "a number");
}

const std::string& Value::as_string() const {
  if (const std::string* v = std::get_if<std::string>(&data_)) return *v;
  wrong_kind(*this, "a string");
}

const List& Value::as_list() const {
  if (const List* v = std::get_if<List>(&data_)) return *v;
  wrong_kind(*this, "a list");
}

List& Value::as_list() { return const_cast<List&>(std::as_const(*this).as_list()); }

const Table& Value::as_table() const {
  if (const Table* v = std::get_if<Table>(&data_)) return *v;
  wrong_kind(*this, "a table");
}

Table& Value::as_table() { return const_cast<Table&>(std::as_const(*this).as_table()); }

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_table()) return same_table(a.as_table(), b.as_table());
  if (a.kind() == Value::Kind::real) return same_real(a.as_real(), b.as_real());
  return a.data_ == b.data_;
}

void fail_at(const Source& where, const std::string& message) { throw UsageError(where, message); }

void fail_at(const Value& where, const std::string& message) { fail_at(where.source(), message); }

}  // namespace w2s
