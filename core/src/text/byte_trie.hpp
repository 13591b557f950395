// A trie over bytes: which of many strings begin at a place in a text.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/flat_map.hpp"

namespace w2s::text {

class ByteTrie {
 public:
  /// A string that is there already keeps its first value. The empty string is never found.
  void add(std::string_view key, std::uint32_t value) {
    std::uint64_t node = 0;
    for (const char c : key) {
      const std::uint64_t edge = node << 8 | static_cast<unsigned char>(c);
      node = edges_.get(edge);
      if (node == FlatMap::kAbsent) {
        node = ++nodes_;
        edges_.set(edge, node);
      }
    }
    if (values_.get(node) == FlatMap::kAbsent) values_.set(node, value);
  }

  /// Calls visit(length, value) for each key that `text` begins with, shortest first.
  template <class Visit>
  void prefixes(std::string_view text, Visit&& visit) const {
    std::uint64_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = edges_.get(node << 8 | static_cast<unsigned char>(text[i]));
      if (node == FlatMap::kAbsent) return;
      const std::uint64_t value = values_.get(node);
      if (value != FlatMap::kAbsent) visit(i + 1, static_cast<std::uint32_t>(value));
    }
  }

 private:
  FlatMap edges_;   // node << 8 | byte → node
  FlatMap values_;  // node → value
  std::uint64_t nodes_ = 0;
};

}  // namespace w2s::text
