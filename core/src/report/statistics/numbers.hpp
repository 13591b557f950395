// What is not known, and what has no bound.
#pragma once

#include <limits>

namespace w2s {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace w2s
