// A hash table from 64-bit keys to 64-bit values for the hot loops of tokenizers:
// open addressing, no removal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace w2s::text {

class FlatMap {
 public:
  static constexpr std::uint64_t kAbsent = ~std::uint64_t{0};

  FlatMap() : slots_(16, Slot{kAbsent, 0}) {}

  /// Keys other than kAbsent. An existing key takes the new value.
  void set(std::uint64_t key, std::uint64_t value) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[position(key)];
    size_ += slot.key == kAbsent;
    slot = {key, value};
  }
  /// kAbsent where there is no such key.
  std::uint64_t get(std::uint64_t key) const {
    const Slot& slot = slots_[position(key)];
    return slot.key == key ? slot.value : kAbsent;
  }
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t key, value;
  };

  std::size_t position(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t h = key * 0x9E3779B97F4A7C15u;
    std::size_t i = static_cast<std::size_t>(h ^ (h >> 32)) & mask;
    while (slots_[i].key != key && slots_[i].key != kAbsent) i = (i + 1) & mask;
    return i;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{kAbsent, 0});
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != kAbsent) slots_[position(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace w2s::text
