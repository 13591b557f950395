#include <w2s/confidence.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {

Tensor confidence(const Supervision& labels) {
  return labels.generation() ? labels.certainty : labels.targets.amax(1);
}

double expected_noise(const Supervision& labels) { return 1 - confidence(labels).mean().item<double>(); }

std::int64_t small_loss_count(std::int64_t count, double noise, std::int64_t epoch, std::int64_t ramp) {
  const double rise = std::min(1.0, static_cast<double>(epoch) / static_cast<double>(ramp));
  return std::max<std::int64_t>(1, std::llround(std::ceil((1 - noise * rise) * static_cast<double>(count))));
}

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

ConfidentJoint confident_joint(const Tensor& labels, const Tensor& probabilities) {
  const std::int64_t classes = probabilities.size(1);
  const Tensor p = probabilities.to(at::kDouble);
  const Tensor given = at::one_hot(labels, classes).to(at::kDouble);
  const Tensor counts = given.sum(0);
  // A class that nothing is labelled as has no examples to be confident of.
  const Tensor thresholds =
      at::where(counts > 0, (given * p).sum(0) / counts.clamp_min(1), at::full_like(counts, 2));
  const Tensor sure = p.ge(thresholds);
  const Tensor likeliest = p.masked_fill(sure.logical_not(), -1).argmax(1);
  const Tensor counted = sure.any(1).to(at::kDouble).unsqueeze(1);
  Tensor joint = given.t().matmul(at::one_hot(likeliest, classes).to(at::kDouble) * counted);
  // A label whose examples were never confident is taken at its word.
  joint = joint + at::diag((joint.sum(1) == 0).to(at::kDouble));
  joint = joint / joint.sum(1, true) * counts.unsqueeze(1);
  return {joint / joint.sum(), thresholds};
}

}  // namespace w2s
