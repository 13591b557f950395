// w2s::Error: the exception types that cross library boundaries.
//
// The message is written for the user and stands alone: what is wrong, where,
// what was expected, and the nearest right name where there is one.
// Everything here may be called from any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/export.hpp>

namespace w2s {

/// Where something was written. An empty file means that the program made it.
struct Source {
  std::string file;
  int line = 0;
  int column = 0;
  /// "file:line:column", without what is 0; "" for what the program made.
  W2S_API std::string text() const;
  bool known() const { return !file.empty(); }
};

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
  /// what() is "<place>: <message>"; a place that is not known adds nothing.
  UsageError(Source place, const std::string& message);
  ~UsageError() override;

  /// Where the mistake was written, as far as it is known.
  const Source& place() const { return place_; }
  /// what() without the place.
  std::string message() const;
  /// The same mistake at `place`, unless it has a place of its own already.
  UsageError at(const Source& place) const;
  /// The same mistake with `title` and ": " before the message, behind the place.
  UsageError under(const std::string& title) const;

 private:
  Source place_;
};

/// A plugin was given inputs that it is not for: vectors or images where it reads text, or the reverse.
class W2S_API WrongInputs : public UsageError {
 public:
  using UsageError::UsageError;
  explicit WrongInputs(const UsageError& error) : UsageError(error) {}
  ~WrongInputs() override;
};

/// " (did you mean 'x'?)" for the candidate nearest to `wrong`, or "" when none is near.
W2S_API std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& candidates);

/// "'a', 'b' or 'c'"
W2S_API std::string one_of_list(const std::vector<std::string>& names);

}  // namespace w2s
