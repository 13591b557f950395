#include <w2s/confidence.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

namespace w2s {

Tensor confidence(const Supervision& labels) {
  return labels.certainty.defined() ? labels.certainty : labels.targets.amax(1);
}

void require_graded(const Supervision& labels, const std::string& strategy) {
  if (labels.size() < 2) return;
  const Tensor sure = confidence(labels);
  if (!sure.eq(sure[0]).all().item<bool>()) return;
  throw UsageError("strategy '" + strategy +
                   "' goes by how sure the labels are, and all of them are equally sure (one-hot?): give "
                   "labels as probabilities, or take a strategy that looks at features ('knn_filter') or at "
                   "losses ('co_teaching')");
}

double expected_noise(const Supervision& labels) {
  const Tensor sure = confidence(labels);
  if (sure.ge(1).all().item<bool>()) {
    throw UsageError(
        "the labels are one-hot and do not tell which share of them is wrong: set 'noise', or give labels as "
        "probabilities");
  }
  return 1 - sure.mean().item<double>();
}

std::vector<std::int64_t> ranked(const Tensor& values, const Examples& examples) {
  const Tensor contiguous = values.to(at::kDouble).contiguous();
  const double* value = contiguous.data_ptr<double>();
  std::vector<std::string> lots;
  for (std::int64_t i = 0; i < examples.size(); ++i) lots.push_back(sha256(examples.id(i)));
  std::vector<std::int64_t> order(lots.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    if (value[a] != value[b]) return value[a] < value[b];
    return lots[static_cast<std::size_t>(a)] < lots[static_cast<std::size_t>(b)];
  });
  return order;
}

std::vector<std::int64_t> surest_per_class(const Supervision& labels, double keep) {
  const Tensor classes = labels.targets.argmax(1);
  const std::int64_t* class_of = classes.data_ptr<std::int64_t>();
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(labels.classes()));
  for (const std::int64_t i : ranked(-confidence(labels), labels.examples))
    members[static_cast<std::size_t>(class_of[i])].push_back(i);

  std::vector<std::int64_t> kept;
  for (const auto& rows : members) {
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
