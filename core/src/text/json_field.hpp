// A JSON value and where it stands, so that each complaint names the file and
// the field: "models/x/tokenizer.json: model.merges[3]: expected …".
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/error.hpp>

namespace w2s::text {

class JsonField {
 public:
  /// `value` must outlive the field.
  JsonField(const nlohmann::json& value, std::string file, std::string field = {})
      : value_(&value), file_(std::move(file)), field_(std::move(field)) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw UsageError(field_.empty() ? file_ + ": " + message
                                    : fmt::format("{}: {}: {}", file_, field_, message));
  }
  [[noreturn]] void expected(const std::string& what) const {
    fail(fmt::format("expected {}, found {}", what, value_->type_name()));
  }

  const nlohmann::json& value() const { return *value_; }
  const std::string& file() const { return file_; }

  /// The member `key`; nothing where it is absent or null.
  std::optional<JsonField> find(const std::string& key) const {
    if (!value_->is_object()) expected("an object");
    const auto it = value_->find(key);
    if (it == value_->end() || it->is_null()) return std::nullopt;
    return JsonField(*it, file_, field_.empty() ? key : field_ + "." + key);
  }
  JsonField at(const std::string& key) const {
    if (auto member = find(key)) return *member;
    fail(fmt::format("'{}' is missing", key));
  }
  JsonField item(std::size_t i) const {
    return JsonField((*value_)[i], file_, fmt::format("{}[{}]", field_, i));
  }
  std::vector<JsonField> items() const {
    if (!value_->is_array()) expected("an array");
    std::vector<JsonField> items;
    for (std::size_t i = 0; i < value_->size(); ++i) items.push_back(item(i));
    return items;
  }

  bool boolean() const {
    if (!value_->is_boolean()) expected("true or false");
    return value_->get<bool>();
  }
  const std::string& string() const {
    if (!value_->is_string()) expected("a string");
    return value_->get_ref<const std::string&>();
  }
  /// An id or a count: 0 to 2³¹ − 1.
  std::int32_t natural() const {
    if (!value_->is_number_integer()) expected("a whole number");
    if (value_->is_number_unsigned() ? value_->get<std::uint64_t>() > 0x7FFFFFFFu : true) {
      fail(fmt::format("expected a whole number from 0 to 2147483647, found {}", value_->dump()));
    }
    return value_->get<std::int32_t>();
  }
  double real() const {
    if (!value_->is_number()) expected("a number");
    return value_->get<double>();
  }

  bool boolean(const std::string& key, bool otherwise) const {
    const auto member = find(key);
    return member ? member->boolean() : otherwise;
  }
  std::string string(const std::string& key, const std::string& otherwise) const {
    const auto member = find(key);
    return member ? member->string() : otherwise;
  }
  /// "type": which kind of thing this is.
  const std::string& kind() const {
    const auto member = value_->is_object() ? value_->find("type") : value_->end();
    if (!value_->is_object() || member == value_->end()) fail("'type' is missing");
    return at("type").string();
  }
  [[noreturn]] void unknown_kind(const std::string& what, const std::vector<std::string>& known) const {
    fail(fmt::format("unknown {} '{}'{}; known are {}", what, kind(), did_you_mean(kind(), known),
                     one_of_list(known)));
  }

 private:
  const nlohmann::json* value_;
  std::string file_, field_;
};

/// Sections may nest this deep ("Sequence" within "Sequence").
inline constexpr int kMaxNesting = 16;

}  // namespace w2s::text
