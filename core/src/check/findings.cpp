#include "check/findings.hpp"

#include <algorithm>
#include <exception>

namespace w2s {

void Findings::check(std::string rule, std::string advice, const std::function<std::string()>& look) {
  Finding finding{std::move(rule), "", std::move(advice)};
  try {
    finding.problem = look();
  } catch (const std::exception& error) {
    finding.problem = error.what();
    if (finding.problem.empty()) finding.problem = "it threw an exception without a message";
  } catch (...) {
    finding.problem = "it threw something that is not a std::exception";
  }
  all_.push_back(std::move(finding));
}

bool Findings::passed() const {
  return std::all_of(all_.begin(), all_.end(), [](const Finding& finding) { return finding.passed(); });
}

}  // namespace w2s
