// Numbers as text: the shortest that reads back as the same number.
#pragma once

#include <cmath>
#include <string>

namespace w2s {

/// "1", "0.5", "1e-05", "inf", "nan": for messages.
std::string number_text(double v);
/// "not a number", "infinite" or "minus infinite": of a result that is none.
inline std::string not_finite_text(double v) {
  return std::isnan(v) ? "not a number" : v > 0 ? "infinite" : "minus infinite";
}
/// The same as number_text, but always told from an integer: "1.0".
std::string real_text(double v);

}  // namespace w2s
