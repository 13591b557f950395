// KeyValueCache: keys and values of the tokens seen so far, for generation.
//
// Rows are right-padded and of different lengths, so each row writes at its own
// position: a new token takes the place of padding, and masks hide the rest.
#pragma once

#include <utility>
#include <vector>

#include <w2s/tensor.hpp>

namespace w2s::hf {

class KeyValueCache {
 public:
  /// Room for `capacity` tokens a row.
  explicit KeyValueCache(std::int64_t capacity) : capacity_(capacity) {}

  /// No token has been seen: the next pass is over whole prompts.
  bool empty() const { return used_ == 0; }
  /// Keys that attention has to look at: those at positions 0 … used − 1.
  std::int64_t used() const { return used_; }
  /// Before a pass whose last position of any row is `used` − 1.
  void grow(std::int64_t used) { used_ = used; }

  /// Stores k, v [R, K, T, d] of a layer at positions [R, T] ([1, T] for all rows) and gives all keys and
  /// values [R, K, used, d].
  std::pair<Tensor, Tensor> update(std::int64_t layer, const Tensor& k, const Tensor& v,
                                   const Tensor& positions);

 private:
  std::int64_t capacity_, used_ = 0;
  std::vector<Tensor> keys_, values_;  // by layer
};

}  // namespace w2s::hf
