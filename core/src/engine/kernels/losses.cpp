#include <w2s/losses.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "engine/kernels/row_functions.hpp"

namespace w2s {

Tensor log_probabilities(const Tensor& logits) {
  if (are_plain_rows(logits) && logits.dim() == 2 && logits.size(1) == 2) return binary_log_softmax(logits);
  const auto type = c10::promoteTypes(logits.scalar_type(), at::kFloat);
  return at::log_softmax(logits, -1, type);
}

Tensor cross_entropy(const Tensor& log_p, const Tensor& targets) {
  if (are_plain_rows(log_p) && are_plain_rows(targets) && log_p.dim() == 2 &&
      log_p.sizes() == targets.sizes())
    return row_cross_entropy(log_p, targets);
  return -(targets * log_p).sum(-1);
}

Tensor kl_divergence(const Tensor& targets, const Tensor& log_p) {
  return at::xlogy(targets, targets).sum(-1) + cross_entropy(log_p, targets);
}

Tensor reverse_cross_entropy(const Tensor& log_p, const Tensor& targets) {
  return -(log_p.exp() * targets.to(log_p.scalar_type()).clamp(1e-4, 1.0).log()).sum(-1);
}

Tensor focal_terms(const Tensor& log_p, double gamma) {
  const Tensor rest = (-at::expm1(log_p)).clamp_min(1e-30);  // 1 − p; the floor keeps rest^(γ−1) finite
  return -rest.pow(gamma) * log_p;
}

Tensor quantile_linear(const Tensor& values, const Tensor& q) {
  const Tensor v = values.detach();
  if (are_plain_rows(v) && v.dim() == 1 && v.numel() > 0 && q.is_cpu()) {
    const auto share = q.detach().to(at::kFloat).clamp(0.0, 1.0).item<float>();
    return at::scalar_tensor(std::isnan(share) ? share : quantile_of(v, share), v.options());
  }
  return at::quantile(v, q.detach().to(v.scalar_type()).clamp(0.0, 1.0));
}

double ramp(double step_fraction, double warmup) {
  return warmup > 0 ? std::min(1.0, step_fraction / warmup) : 1.0;
}

Tensor transition_matrix(const Matrix& rows) {
  const auto classes = static_cast<std::int64_t>(rows.size());
  if (classes < 2) throw UsageError(fmt::format("transition: expected at least 2 rows, found {}", classes));
  std::vector<double> values;
  for (std::int64_t i = 0; i < classes; ++i) {
    const auto& row = rows[static_cast<std::size_t>(i)];
    if (static_cast<std::int64_t>(row.size()) != classes) {
      throw UsageError(fmt::format("transition: row {} has {} numbers, expected {} (a square matrix)", i,
                                   row.size(), classes));
    }
    double sum = 0;
    for (std::int64_t j = 0; j < classes; ++j) {
      const double value = row[static_cast<std::size_t>(j)];
      if (!(value >= 0 && value <= 1)) {
        throw UsageError(
            fmt::format("transition: row {}, column {} is {}, expected a probability", i, j, value));
      }
      values.push_back(value);
      sum += value;
    }
    if (std::abs(sum - 1) > 1e-6) {
      throw UsageError(
          fmt::format("transition: row {} sums to {:.9g}, expected 1 (rows are true classes)", i, sum));
    }
  }
  return at::tensor(values, at::kDouble).reshape({classes, classes});
}

void check_transition(const Tensor& transition, const LossContext& context) {
  if (context.kind == TaskKind::generation) {
    throw UsageError(
        "a transition matrix has a row for each class, and the classes of a generation task are the tokens "
        "of a "
        "vocabulary");
  }
  if (transition.size(0) == context.classes) return;
  throw UsageError(fmt::format("transition: a {0}×{0} matrix for a task of {1} classes, expected {1}×{1}",
                               transition.size(0), context.classes));
}

}  // namespace w2s
