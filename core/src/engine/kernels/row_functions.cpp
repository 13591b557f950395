#include "engine/kernels/row_functions.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace w2s {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class BinaryLogSoftmax final : public torch::autograd::Function<BinaryLogSoftmax> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& logits) {
    Tensor out = at::empty(logits.sizes());
    const float* z = logits.data_ptr<float>();
    float* log_p = out.data_ptr<float>();
    for (std::int64_t i = 0; i < logits.size(0); ++i) {
      const float difference = z[2 * i + 1] - z[2 * i];  // log p₁ / p₀
      const float rest = std::log1p(std::exp(-std::abs(difference)));
      log_p[2 * i] = std::min(0.0f, -difference) - rest;
      log_p[2 * i + 1] = std::min(0.0f, difference) - rest;
      if (std::isnan(difference)) log_p[2 * i] = log_p[2 * i + 1] = difference;
    }
    context->save_for_backward({out});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor log_p = context->get_saved_variables()[0], &g = gradients[0];
    if (at::GradMode::is_enabled()) return {g - log_p.exp() * g.sum(1, /*keepdim=*/true)};
    const Tensor given = g.contiguous(), out = at::empty(given.sizes());
    const float *d_log_p = given.data_ptr<float>(), *value = log_p.data_ptr<float>();
    float* d_logits = out.data_ptr<float>();
    for (std::int64_t i = 0; i < given.size(0); ++i) {
      // g₁ − p₁ (g₀ + g₁), without the difference of near numbers.
      const float p1 = std::exp(value[2 * i + 1]), p0 = std::exp(value[2 * i]);
      const float slope = p0 * d_log_p[2 * i + 1] - p1 * d_log_p[2 * i];
      d_logits[2 * i] = -slope;
      d_logits[2 * i + 1] = slope;
    }
    return {out};
  }
};

class RowCrossEntropy final : public torch::autograd::Function<RowCrossEntropy> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& log_p, const Tensor& targets) {
    const std::int64_t rows = log_p.size(0), classes = log_p.size(1);
    Tensor out = at::empty({rows});
    const float *value = log_p.data_ptr<float>(), *target = targets.data_ptr<float>();
    float* sum = out.data_ptr<float>();
    for (std::int64_t i = 0; i < rows; ++i) {
      float row = 0;
      for (std::int64_t c = 0; c < classes; ++c) row += target[i * classes + c] * value[i * classes + c];
      sum[i] = -row;
    }
    context->save_for_backward({log_p, targets});
    context->saved_data["targets"] = targets.requires_grad();
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &log_p = saved[0], &targets = saved[1], slopes = -gradients[0].unsqueeze(1);
    return {slopes * targets, context->saved_data["targets"].toBool() ? slopes * log_p : Tensor()};
  }
};

}  // namespace

bool are_plain_rows(const Tensor& a) {
  return a.is_cpu() && a.scalar_type() == at::kFloat && a.layout() == at::kStrided && a.is_contiguous();
}

Tensor binary_log_softmax(const Tensor& logits) { return BinaryLogSoftmax::apply(logits); }

Tensor row_cross_entropy(const Tensor& log_p, const Tensor& targets) {
  return RowCrossEntropy::apply(log_p, targets);
}

float quantile_of(const Tensor& values, float q) {
  const float* first = values.data_ptr<float>();
  std::vector<float> sorted(first, first + values.numel());
  if (std::any_of(sorted.begin(), sorted.end(), [](float v) { return std::isnan(v); }))
    return std::numeric_limits<float>::quiet_NaN();
  const float rank = q * static_cast<float>(sorted.size() - 1), below = std::floor(rank),
              weight = rank - below;
  const auto lower = sorted.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(sorted.begin(), lower, sorted.end());
  if (weight == 0) return *lower;
  const float a = *lower, b = *std::min_element(lower + 1, sorted.end());
  return weight < 0.5f ? a + weight * (b - a) : b - (b - a) * (1 - weight);
}

}  // namespace w2s
