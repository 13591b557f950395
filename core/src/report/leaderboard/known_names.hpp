// Names that a reader of the leaderboard asks for.
#pragma once

#include <string>
#include <vector>

namespace w2s {

/// Throws UsageError "unknown <what> '<name>'" with the nearest and all of `names` where it is none of them.
void require_known(const std::vector<std::string>& names, const std::string& name, const std::string& what);

}  // namespace w2s
