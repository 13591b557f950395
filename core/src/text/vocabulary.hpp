// Vocabulary: tokens and their ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "text/json_field.hpp"

namespace w2s::text {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
/// Strings to values, looked up by view.
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

class Vocabulary {
 public:
  Vocabulary() = default;
  /// {"token": id, …}
  explicit Vocabulary(const JsonField& field);

  /// A token that is there already takes the new id.
  void add(const std::string& token, std::int32_t id);
  std::optional<std::int32_t> id(std::string_view token) const;
  /// Null where no token has the id.
  const std::string* token(std::int32_t id) const;
  std::size_t size() const { return ids_.size(); }
  std::int64_t largest_id() const { return largest_id_; }  ///< −1 where it is empty

 private:
  StringMap<std::int32_t> ids_;
  std::unordered_map<std::int32_t, std::string> tokens_;
  std::int64_t largest_id_ = -1;
};

}  // namespace w2s::text
