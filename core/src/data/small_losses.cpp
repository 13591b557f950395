#include <w2s/small_losses.hpp>

#include <algorithm>
#include <cmath>

#include <w2s/losses.hpp>

namespace w2s {

Tensor hard_label_losses(const Tensor& logits, const Tensor& targets) {
  return cross_entropy(log_probabilities(logits.detach()), one_hot_argmax(targets));
}

Tensor smallest(const Tensor& values, std::int64_t count) {
  return std::get<1>(values.topk(count, 0, /*largest=*/false));
}

std::int64_t small_loss_count(std::int64_t count, double left_out) {
  // The slack keeps (1 − 0.2) · 5 at 4 in spite of rounding.
  const double kept = std::ceil((1 - left_out) * static_cast<double>(count) - 1e-9);
  return std::max<std::int64_t>(1, std::llround(kept));
}

}  // namespace w2s
