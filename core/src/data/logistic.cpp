#include <w2s/logistic.hpp>

#include <cmath>

namespace w2s {
namespace {

constexpr int kSteps = 500;
constexpr double kTolerance = 1e-4;  // relative change of the weights

// An upper bound of the largest eigenvalue of xᵀx, by power iteration.
double largest_eigenvalue(const Tensor& x) {
  Tensor v = at::ones({x.size(1)}, x.options());
  double value = 0;
  for (int i = 0; i < 30; ++i) {
    v = x.t().matmul(x.matmul(v / v.norm().clamp_min(1e-30)));
    value = v.norm().item<double>();
  }
  return 1.05 * value + 1e-12;
}

}  // namespace

LinearClassifier l1_logistic_regression(const Tensor& x, const Tensor& y, std::int64_t classes, double c) {
  at::NoGradGuard no_grad;
  const std::int64_t n = x.size(0);
  const Tensor inputs =
      at::cat({x.to(at::kDouble), at::ones({n, 1}, at::kDouble)}, 1);  // the bias is the last column
  const Tensor truth = at::one_hot(y, classes).to(at::kDouble);
  // The Hessian of softmax cross entropy is at most ½ xᵀx.
  const double step = 1 / (0.5 * c * largest_eigenvalue(inputs));
  Tensor w = at::zeros({classes, inputs.size(1)}, at::kDouble), ahead = w;
  double momentum = 1;
  for (int i = 0; i < kSteps; ++i) {
    const Tensor gradient = c * (inputs.matmul(ahead.t()).softmax(1) - truth).t().matmul(inputs);
    Tensor next = ahead - step * gradient;
    Tensor penalised = next.narrow(1, 0, x.size(1));
    penalised.copy_(penalised.sign() * (penalised.abs() - step).clamp_min(0));
    const Tensor change = next - w;
    // Momentum that points uphill is dropped (O'Donoghue & Candès 2015).
    const bool uphill = ((ahead - next) * change).sum().item<double>() > 0;
    const double grown = uphill ? 1 : (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    ahead = next + (uphill ? 0 : (momentum - 1) / grown) * change;
    momentum = grown;
    const bool done =
        change.norm().item<double>() <= kTolerance * w.norm().clamp_min(1e-3).item<double>() && i > 0;
    w = next;
    if (done) break;
  }
  return {w.narrow(1, 0, x.size(1)).to(at::kFloat).contiguous(),
          w.select(1, x.size(1)).to(at::kFloat).contiguous()};
}

}  // namespace w2s
