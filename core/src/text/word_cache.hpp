// WordCache: the ids of words seen before. For one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace w2s::text {

class WordCache {
 public:
  /// Longer words are rare and not kept.
  static constexpr std::size_t kLongestWord = 64;

  WordCache();

  /// Appends the ids of the word and returns true, where it is known.
  bool find(std::string_view word, std::vector<std::int32_t>& ids) const;
  /// A word that is not there yet. A full cache starts anew.
  void insert(std::string_view word, const std::int32_t* ids, std::size_t count);

 private:
  struct Slot {
    std::uint64_t hash = 0;  // 0: free
    std::uint32_t word = 0, word_size = 0, ids = 0, count = 0;
  };
  static std::uint64_t hash(std::string_view word);
  std::size_t position(std::string_view word, std::uint64_t hash) const;
  void grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::string words_;
  std::vector<std::int32_t> ids_;
};

}  // namespace w2s::text
