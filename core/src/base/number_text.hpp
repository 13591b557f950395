// Numbers as text: the shortest that reads back as the same number.
#pragma once

#include <string>

namespace w2s {

/// "1", "0.5", "1e-05", "inf", "nan": for messages.
std::string number_text(double v);
/// The same, but always told from an integer: "1.0".
std::string real_text(double v);

}  // namespace w2s
