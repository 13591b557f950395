#include "report/curves.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace w2s {
namespace {

// Means of `width` stretches of equal length.
std::vector<double> shortened(const std::vector<double>& values, std::size_t width) {
  if (values.size() <= width) return values;
  std::vector<double> means;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t begin = i * values.size() / width, end = (i + 1) * values.size() / width;
    double sum = 0;
    for (std::size_t k = begin; k < end; ++k) sum += values[k];
    means.push_back(sum / static_cast<double>(end - begin));
  }
  return means;
}

}  // namespace

std::string sparkline(const std::vector<double>& values, std::size_t width) {
  static const char* const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::vector<double> points = shortened(values, width);
  double low = INFINITY, high = -INFINITY;
  for (const double value : points) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string line;
  for (const double value : points) {
    if (!std::isfinite(value)) {
      line += ' ';
    } else {
      line += heights[high > low ? std::min(7, static_cast<int>(8 * (value - low) / (high - low))) : 0];
    }
  }
  return line;
}

std::vector<std::string> curves_of_log(const std::string& text, std::size_t width) {
  const std::pair<const char*, const char*> shown[] = {
      {"loss", "loss"},
      {"validation_agreement", "validation agreement"},
      {"validation_accuracy_oracle", "validation accuracy (oracle)"}};
  std::vector<std::vector<double>> values(std::size(shown));
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json report = nlohmann::json::parse(line, nullptr, false);
    if (!report.is_object()) continue;
    for (std::size_t i = 0; i < std::size(shown); ++i) {
      const auto found = report.find(shown[i].first);
      if (found != report.end() && found->is_number()) values[i].push_back(found->get<double>());
    }
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::size(shown); ++i) {
    if (values[i].empty()) continue;
    lines.push_back(fmt::format("{:<28} {:<8.4g} {} {:.4g}", shown[i].second, values[i].front(),
                                sparkline(values[i], width), values[i].back()));
  }
  return lines;
}

}  // namespace w2s
