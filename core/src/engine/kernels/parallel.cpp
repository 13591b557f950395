#include <w2s/parallel.hpp>

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <algorithm>

#include <w2s/tensor.hpp>

namespace w2s {

void in_threads(std::int64_t count, std::int64_t grain,
                const std::function<void(std::int64_t begin, std::int64_t end)>& f) {
  if (count <= 0) return;
  const std::int64_t parts =
      std::min<std::int64_t>(at::get_num_threads(), count / std::max<std::int64_t>(1, grain));
  if (parts < 2 || at::in_parallel_region()) {
    f(0, count);
    return;
  }
  // LibTorch walks over one byte for each part, in its own threads.
  Tensor places = at::empty({parts}, at::kByte);
  const auto* first = reinterpret_cast<const char*>(places.data_ptr<std::uint8_t>());
  at::TensorIterator walk = at::TensorIterator::nullary_op(places);
  walk.for_each(
      [&](char** data, const std::int64_t*, std::int64_t n, std::int64_t /*rows: one*/) {
        const std::int64_t part = data[0] - first;
        f(count * part / parts, count * (part + n) / parts);
      },
      /*grain_size=*/1);
}

}  // namespace w2s
