// The parts of our own code that results depend on, and the digest of each: written by the build from
// core/code_parts.txt, which says which source is in which part.
#pragma once

#include <map>
#include <string>

namespace w2s {

/// Part ("engine", "text", …) → SHA-256 over the names and code_text of its sources. Safe to call from any
/// thread.
const std::map<std::string, std::string>& code_parts();
/// Throws Error for a part that does not exist.
const std::string& code_part(const std::string& name);

}  // namespace w2s
