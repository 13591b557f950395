// Rotary position embedding (Su et al. 2021) with the scalings that checkpoints use:
// none, "linear" (Chen et al. 2023) and "llama3" (Llama 3.1's piecewise frequencies).
#pragma once

#include "config.hpp"

#include <w2s/tensor.hpp>

namespace w2s::hf {

class Rotary {
 public:
  /// Reads `rope_parameters`, or the older `rope_theta`, `rope_scaling` (and GPT-NeoX's `rotary_emb_base`,
  /// `rotary_pct`) at top level. Throws UsageError for a scaling that it does not know.
  Rotary(const Config& config, std::int64_t head_size, double partial_default);

  struct Angles {
    Tensor cos, sin;  ///< float32 [P, 1, T, size / 2], P = 1 or R
  };
  /// For positions [P, T].
  Angles angles(const Tensor& positions) const;
  /// Turns the first `size` numbers of each head of x [R, H, T, d]; keeps its type.
  Tensor turn(const Tensor& x, const Angles& angles) const;

 private:
  std::int64_t size_;               // rotated numbers of a head, even
  std::vector<float> frequencies_;  // [size / 2]
};

}  // namespace w2s::hf
