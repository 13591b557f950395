#include <algorithm>
#include <vector>

#include <w2s/error.hpp>

namespace w2s {
namespace {

// Lower case, and one spelling of what separates words.
std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == ' ') c = '_';
  }
  return out;
}

// Damerau-Levenshtein distance in its optimal string alignment form: insertions,
// deletions, substitutions and swaps of neighbours.
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

constexpr std::size_t kFar = static_cast<std::size_t>(-1);

// A typing mistake costs its edits; a beginning of the other name costs more than any of those.
std::size_t cost(const std::string& wrong, const std::string& right) {
  if (wrong == right) return 0;
  const std::size_t shorter = std::min(wrong.size(), right.size()),
                    longer = std::max(wrong.size(), right.size());
  const std::size_t distance = edits(wrong, right);
  if (distance < shorter && distance <= std::max<std::size_t>(1, longer / 3)) return distance;
  if (shorter >= 3 && wrong.compare(0, shorter, right, 0, shorter) == 0) return 1000 + distance;
  return kFar;
}

}  // namespace

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& candidates) {
  if (wrong.size() > 200) return "";
  const std::string* best = nullptr;
  std::size_t best_cost = kFar;
  for (const std::string& candidate : candidates) {
    const std::size_t c = cost(folded(wrong), folded(candidate));
    if (c < best_cost) best = &candidate, best_cost = c;
  }
  return best ? " (did you mean '" + *best + "'?)" : "";
}

std::string one_of_list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += "'" + names[i] + "'";
  }
  return out;
}

}  // namespace w2s
