// Fields: "key=value" lines, the format of stamps and of the recorded compiler flags. A key may repeat.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace w2s {

class Fields {
 public:
  /// Lines without '=' are skipped.
  static Fields parse(std::string_view text);

  void add(std::string key, std::string value) { items_.emplace_back(std::move(key), std::move(value)); }
  bool has(std::string_view key) const;
  /// The first value of a key, or "".
  std::string get(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace w2s
