// Findings: what a plugin was checked for, and what was found.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace w2s {

struct Finding {
  std::string rule;     ///< "is deterministic"
  std::string problem;  ///< empty where the rule holds
  std::string advice;   ///< what to do where it does not
  bool passed() const { return problem.empty(); }
};

class Findings {
 public:
  /// Runs one check. It returns the problem that it saw, or ""; what it throws is a problem too.
  void check(std::string rule, std::string advice, const std::function<std::string()>& look);
  const std::vector<Finding>& all() const { return all_; }
  bool passed() const;

 private:
  std::vector<Finding> all_;
};

}  // namespace w2s
