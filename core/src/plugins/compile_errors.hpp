// From a compiler's output to the few lines that a plugin's author needs.
#pragma once

#include <string>
#include <vector>

namespace w2s {

/// The first three errors, each on a line that begins with a place in one of `files` where
/// the output names one ("file:line:column: message"), also for errors inside headers and of the linker.
std::string first_errors(const std::string& output, const std::vector<std::string>& files);

}  // namespace w2s
