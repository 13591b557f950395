#include <w2s/error.hpp>

namespace w2s {
namespace {

std::string placed(const Source& place, const std::string& message) {
  return place.known() ? place.text() + ": " + message : message;
}

}  // namespace

std::string Source::text() const {
  if (file.empty() || line == 0) return file;
  return file + ":" + std::to_string(line) + (column == 0 ? "" : ":" + std::to_string(column));
}

Error::~Error() = default;
UsageError::~UsageError() = default;
WrongInputs::~WrongInputs() = default;

UsageError::UsageError(Source place, const std::string& message)
    : Error(placed(place, message)), place_(std::move(place)) {}

std::string UsageError::message() const { return what() + (place_.known() ? place_.text().size() + 2 : 0); }

UsageError UsageError::at(const Source& place) const {
  return place_.known() ? *this : UsageError(place, what());
}

UsageError UsageError::under(const std::string& title) const { return {place_, title + ": " + message()}; }

}  // namespace w2s
