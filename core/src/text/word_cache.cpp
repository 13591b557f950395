#include "text/word_cache.hpp"

#include <cstring>

namespace w2s::text {

namespace {

constexpr std::size_t kFirstSlots = 1u << 10;
constexpr std::size_t kMostWords = 1u << 17;

}  // namespace

WordCache::WordCache() : slots_(kFirstSlots) {}

std::uint64_t WordCache::hash(std::string_view word) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;
  std::uint64_t h = word.size() * kOdd;
  const auto mix = [&](std::uint64_t block) {
    h = (h ^ block) * kOdd;
    h ^= h >> 32;
  };
  while (word.size() >= 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, word.data(), 8);
    mix(block);
    word.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, word.data(), word.size());
  mix(rest);
  return h | 1;
}

std::size_t WordCache::position(std::string_view word, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = (hash >> 1) & mask;
  while (slots_[i].hash != 0) {
    const Slot& slot = slots_[i];
    if (slot.hash == hash && slot.word_size == word.size() &&
        std::memcmp(words_.data() + slot.word, word.data(), word.size()) == 0) {
      break;
    }
    i = (i + 1) & mask;
  }
  return i;
}

bool WordCache::find(std::string_view word, std::vector<std::int32_t>& ids) const {
  const Slot& slot = slots_[position(word, hash(word))];
  if (slot.hash == 0) return false;
  const auto first = ids_.begin() + slot.ids;
  ids.insert(ids.end(), first, first + slot.count);
  return true;
}

void WordCache::insert(std::string_view word, const std::int32_t* ids, std::size_t count) {
  if (size_ == kMostWords) *this = WordCache();
  if ((size_ + 1) * 2 > slots_.size()) grow();
  const std::uint64_t h = hash(word);
  slots_[position(word, h)] = {h, static_cast<std::uint32_t>(words_.size()),
                               static_cast<std::uint32_t>(word.size()),
                               static_cast<std::uint32_t>(ids_.size()), static_cast<std::uint32_t>(count)};
  words_ += word;
  ids_.insert(ids_.end(), ids, ids + count);
  ++size_;
}

void WordCache::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.hash == 0) continue;
    std::size_t i = (slot.hash >> 1) & mask;
    while (slots_[i].hash != 0) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

}  // namespace w2s::text
