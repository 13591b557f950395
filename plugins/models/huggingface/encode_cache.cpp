#include "encode_cache.hpp"

#include <algorithm>

namespace w2s::hf {
namespace {

constexpr std::size_t kMostTokens = 64 << 20;

}  // namespace

Encoded EncodeCache::get(const std::string& key, const std::function<Encoded()>& encode) {
  const auto named = [&](const auto& entry) { return entry.first == key; };
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(recent_.begin(), recent_.end(), named);
    if (found != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, found);
      return found->second;
    }
  }
  Encoded encoded = encode();
  const std::lock_guard lock(mutex_);
  if (std::none_of(recent_.begin(), recent_.end(), named)) recent_.emplace_front(key, encoded);
  std::size_t tokens = 0;
  const auto full = std::find_if(recent_.begin(), recent_.end(), [&](const auto& entry) {
    tokens += entry.second.tokens.size();
    return tokens > kMostTokens;
  });
  recent_.erase(full, recent_.end());
  return encoded;
}

}  // namespace w2s::hf
