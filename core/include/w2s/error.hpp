// w2s::Error: the one exception type that crosses library boundaries.
//
// The message is written for the user and stands alone: what is wrong, where,
// what was expected, and the nearest right name where there is one.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/export.hpp>

namespace w2s {

class W2S_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  ~Error() override;  // out of line: one type_info, in the core
};

/// A mistake in what the user wrote (arguments, configuration, data): exit status 2.
/// Every other Error is a failed job: exit status 1.
class W2S_API UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message) {}
  ~UsageError() override;
};

/// " (did you mean 'x'?)" for the candidate nearest to `wrong`, or "" when none is near.
W2S_API std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& candidates);

/// "'a', 'b' or 'c'"
W2S_API std::string one_of_list(const std::vector<std::string>& names);

}  // namespace w2s
