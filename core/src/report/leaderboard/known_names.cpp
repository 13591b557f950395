#include "report/leaderboard/known_names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <w2s/error.hpp>

namespace w2s {

void require_known(const std::vector<std::string>& names, const std::string& name, const std::string& what) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  throw UsageError(fmt::format("unknown {} '{}'{}; {}", what, name, did_you_mean(name, names),
                               names.empty() ? "there is none" : "expected " + one_of_list(names)));
}

}  // namespace w2s
