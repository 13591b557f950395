#include <w2s/tensor.hpp>

#include <w2s/digest.hpp>

namespace w2s {

Tensor one_hot_argmax(const Tensor& scores) {
  at::NoGradGuard no_grad;
  return at::zeros_like(scores).scatter_(-1, scores.argmax(-1, /*keepdim=*/true), 1.0);
}

std::string digest(const Tensor& tensor) {
  const Tensor plain = tensor.detach().cpu().contiguous();
  Digest sha;
  sha.add(toString(plain.scalar_type()));
  for (const std::int64_t size : plain.sizes()) sha.add(size);
  return sha.raw(plain.data_ptr(), plain.nbytes()).hex();
}

}  // namespace w2s
