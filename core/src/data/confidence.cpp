#include <w2s/confidence.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {

Tensor confidence(const Supervision& labels) { return labels.targets.amax(1); }

std::vector<std::int64_t> surest_per_class(const Supervision& labels, double keep) {
  const Tensor sure = confidence(labels).contiguous();
  const Tensor classes = labels.targets.argmax(1);
  const float* confidences = sure.data_ptr<float>();
  const std::int64_t* class_of = classes.data_ptr<std::int64_t>();

  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(labels.classes()));
  for (std::int64_t i = 0; i < labels.size(); ++i)
    members[static_cast<std::size_t>(class_of[i])].push_back(i);

  std::vector<std::int64_t> kept;
  for (auto& rows : members) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](auto a, auto b) { return confidences[a] > confidences[b]; });
    // The slack keeps 0.2 · 5 at 1 in spite of rounding.
    const double count = std::ceil(keep * static_cast<double>(rows.size()) - 1e-9);
    kept.insert(kept.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

std::vector<std::int64_t> complement(const std::vector<std::int64_t>& positions, std::int64_t size) {
  std::vector<std::int64_t> rest;
  auto next = positions.begin();
  for (std::int64_t i = 0; i < size; ++i) {
    if (next != positions.end() && *next == i) {
      ++next;
    } else {
      rest.push_back(i);
    }
  }
  return rest;
}

}  // namespace w2s
