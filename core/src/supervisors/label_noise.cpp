#include "supervisors/label_noise.hpp"

#include <algorithm>
#include <cmath>

namespace w2s {

Tensor corrupted(const Tensor& labels, std::int64_t classes, double accuracy, const Tensor& priority,
                 Stream stream) {
  const std::int64_t n = labels.size(0);
  Tensor out = labels.to(at::kLong).clone();
  auto* values = out.data_ptr<std::int64_t>();
  std::vector<std::int64_t> order = stream.permutation(n);
  if (priority.defined()) {
    const Tensor plain = priority.to(at::kDouble).contiguous();
    const double* first = plain.data_ptr<double>();
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return first[a] > first[b]; });
  }
  const std::int64_t wrong = std::llround((1 - accuracy) * static_cast<double>(n));
  for (std::int64_t i = 0; i < wrong; ++i) {
    std::int64_t& label = values[order[static_cast<std::size_t>(i)]];
    label = (label + 1 + stream.below(classes - 1)) % classes;
  }
  return out;
}

Tensor corrupted_by(const Tensor& labels, const Matrix& matrix, Stream stream) {
  Tensor out = labels.to(at::kLong).clone();
  auto* values = out.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < out.size(0); ++i) {
    const std::vector<double>& row = matrix[static_cast<std::size_t>(values[i])];
    double left = stream.uniform();
    std::int64_t drawn = values[i];  // where rounding leaves the row's sum below the draw
    for (std::size_t k = 0; k < row.size(); ++k) {
      left -= row[k];
      if (left >= 0) continue;
      drawn = static_cast<std::int64_t>(k);
      break;
    }
    values[i] = drawn;
  }
  return out;
}

}  // namespace w2s
