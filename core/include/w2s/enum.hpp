// Enums whose values have names: parameters that are one of a few words.
//
//   enum class Half { transfer, supervisor };
//   constexpr auto enum_names(Half) { return std::array{"transfer", "supervisor"}; }
//
// enum_names stands beside the enum, in its namespace, and names the values from 0 on. That is all: a Schema
// field with such a member takes these words and shows them (schema.hpp), and code compares values.
// Everything here may be called from any thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <w2s/error.hpp>

namespace w2s {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires {
  enum_names(E()).size();
};

/// All values in order.
template <NamedEnum E>
constexpr auto all_values() {
  std::array<E, enum_names(E()).size()> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<E>(i);
  return values;
}

/// Throws Error for a number that is no value of the enum.
template <NamedEnum E>
constexpr const char* name_of(E value) {
  constexpr auto names = enum_names(E());
  const auto i = static_cast<std::size_t>(value);
  if (i >= names.size()) throw Error("an enum has no value " + std::to_string(static_cast<long long>(value)));
  return names[i];
}

/// Nothing where no value has this name.
template <NamedEnum E>
constexpr std::optional<E> value_named(std::string_view name) {
  for (const E value : all_values<E>()) {
    if (name == name_of(value)) return value;
  }
  return std::nullopt;
}

template <NamedEnum E>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const E value : all_values<E>()) names.emplace_back(name_of(value));
  return names;
}

}  // namespace w2s
