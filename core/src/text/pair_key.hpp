// A pair of neighbouring tokens as one number, to look it up among the merges.
#pragma once

#include <cstdint>

namespace w2s::text {

inline std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

}  // namespace w2s::text
