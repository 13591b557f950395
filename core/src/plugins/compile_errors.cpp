#include "plugins/compile_errors.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

namespace w2s {
namespace {

constexpr std::size_t kErrors = 3;

struct Place {
  std::string file, position;  // position: "12:5" or "12"
};

std::string text(const Place& place) { return place.file + ":" + place.position; }

bool is_own(const std::string& file, const std::vector<std::string>& files) {
  return std::find(files.begin(), files.end(), std::filesystem::path(file).lexically_normal().string()) !=
         files.end();
}

}  // namespace

std::string first_errors(const std::string& output, const std::vector<std::string>& files) {
  static const std::regex error(R"(^(.+?):(\d+(?::\d+)?): (?:fatal )?error: (.*)$)");
  static const std::regex undefined(R"(^(?:.*ld[^:]*: )?(.+?):(\d+): (undefined reference to .*)$)");
  static const std::regex included(R"(^(?:In file included from |\s+from )?(.+?):(\d+(?::\d+)?)[:,].*$)");
  std::vector<std::string> found;
  Place user{"", ""};  // the last place in the plugin's own files before the error
  std::string first_line, fallback, line;
  const auto report = [&](const std::string& message) {
    if (std::find(found.begin(), found.end(), message) == found.end()) found.push_back(message);
  };
  std::istringstream lines(output);
  while (std::getline(lines, line) && found.size() < kErrors) {
    if (first_line.empty()) first_line = line;
    std::smatch match;
    if (std::regex_match(line, match, error)) {
      const Place place{match[1].str(), match[2].str()};
      const std::string message = match[3].str();
      if (is_own(place.file, files)) {
        report(text(place) + ": " + message);
      } else if (!user.file.empty()) {
        report(text(user) + ": " + message + " (in " + text(place) + ")");
      } else {
        report(text(place) + ": " + message);
      }
      user = {"", ""};
    } else if (std::regex_match(line, match, undefined)) {
      report(match[1].str() + ":" + match[2].str() + ": " + match[3].str());
    } else if (line.find("error: ") != std::string::npos ||
               line.find("undefined reference") != std::string::npos) {
      if (fallback.empty()) fallback = line;
    } else if (std::regex_match(line, match, included) && is_own(match[1].str(), files)) {
      user = {match[1].str(), match[2].str()};
    }
  }
  if (found.empty()) found.push_back(fallback.empty() ? first_line : fallback);
  std::string all;
  for (const std::string& message : found) all += (all.empty() ? "" : "\n") + message;
  return all;
}

}  // namespace w2s
