#include "cache.hpp"

namespace w2s::hf {

std::pair<Tensor, Tensor> KeyValueCache::update(std::int64_t layer, const Tensor& k, const Tensor& v,
                                                const Tensor& positions) {
  const auto i = static_cast<std::size_t>(layer);
  if (keys_.size() <= i) {
    keys_.resize(i + 1);
    values_.resize(i + 1);
  }
  if (!keys_[i].defined()) {
    keys_[i] = at::zeros({k.size(0), k.size(1), capacity_, k.size(3)}, k.options());
    values_[i] = at::zeros_like(keys_[i]);
  }
  const Tensor place = positions.view({positions.size(0), 1, positions.size(1), 1}).expand(k.sizes());
  keys_[i].scatter_(2, place, k);
  values_[i].scatter_(2, place, v);
  return {keys_[i].narrow(2, 0, used_), values_[i].narrow(2, 0, used_)};
}

}  // namespace w2s::hf
