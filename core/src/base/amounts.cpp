#include "base/amounts.hpp"

#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

// A number above 0 and the factor of the unit behind it.
double parse_amount(const std::string& what, const std::string& text,
                    const std::map<std::string, double>& units, const char* expected) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const auto unit = units.find(end);
  if (end == text.c_str() || unit == units.end() || !(number > 0) || !std::isfinite(number)) {
    throw UsageError(fmt::format("{} takes {}; found '{}'", what, expected, text));
  }
  return number * unit->second;
}

}  // namespace

double parse_duration(const std::string& what, const std::string& text) {
  return parse_amount(what, text, {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}},
                      "a time such as 90, 10m or 2h");
}

std::int64_t parse_size(const std::string& what, const std::string& text) {
  constexpr double k = 1024;
  std::map<std::string, double> units;
  double factor = k;
  for (const char* letter : {"K", "M", "G", "T"}) {
    for (const char* ending : {"", "B", "iB"}) units[std::string(letter) + ending] = factor;
    factor *= k;
  }
  const double bytes = parse_amount(what, text, units, "a size such as 500M or 2G");
  if (bytes > 1e18)
    throw UsageError(fmt::format("{} takes a size such as 500M or 2G; found '{}'", what, text));
  return static_cast<std::int64_t>(bytes);
}

std::string duration_text(double seconds) {
  if (seconds < 120) return fmt::format("{:g} s", seconds);
  if (seconds < 7200) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3600);
}

std::string size_text(std::int64_t bytes) {
  double amount = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* next : {"MiB", "GiB", "TiB"}) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", amount, unit);
}

}  // namespace w2s
