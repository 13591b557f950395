#include <w2s/folds.hpp>

#include <algorithm>
#include <unordered_map>

#include <w2s/confidence.hpp>

namespace w2s {

std::vector<std::vector<std::int64_t>> random_parts(const Examples& examples, std::size_t count,
                                                    Stream stream) {
  std::unordered_map<std::int64_t, std::vector<std::int64_t>> groups;
  std::vector<std::int64_t> names;
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    auto& rows = groups[examples.group(i)];
    if (rows.empty()) names.push_back(examples.group(i));
    rows.push_back(i);
  }
  std::vector<std::vector<std::int64_t>> parts(count);
  for (const std::int64_t drawn : stream.permutation(static_cast<std::int64_t>(names.size()))) {
    const auto& rows = groups[names[static_cast<std::size_t>(drawn)]];
    auto& smallest = *std::min_element(parts.begin(), parts.end(),
                                       [](const auto& a, const auto& b) { return a.size() < b.size(); });
    smallest.insert(smallest.end(), rows.begin(), rows.end());
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

Tensor cross_predict(const Supervision& labels, const FitSpec& spec, std::int64_t folds, Lab& lab,
                     const Next& next) {
  const auto parts =
      random_parts(labels.examples, static_cast<std::size_t>(folds), lab.stream_for("folds", labels, spec));
  Tensor probabilities = at::empty({labels.size(), labels.classes()});
  for (const std::vector<std::int64_t>& held_out : parts) {
    if (held_out.empty()) {
      throw UsageError("there are fewer groups of examples than the " + std::to_string(folds) + " folds");
    }
    const Student student = next(labels.select(complement(held_out, labels.size())), spec);
    probabilities.index_copy_(0, at::tensor(held_out, at::kLong),
                              lab.predict(student, labels.examples.select(held_out)));
  }
  return probabilities;
}

}  // namespace w2s
