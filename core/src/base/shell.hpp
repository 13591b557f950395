// Words for a shell.
#pragma once

#include <string>

namespace w2s {

/// The word as a shell reads it back: quoted where it holds more than letters, digits and -_./=:,+@%.
std::string shell_quoted(const std::string& word);

}  // namespace w2s
