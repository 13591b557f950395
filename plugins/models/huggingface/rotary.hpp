// Rotary position embedding (Su et al. 2021) with the scalings that checkpoints use:
// none, "linear" (Chen et al. 2023), "llama3" (Llama 3.1's piecewise frequencies) and "longrope" (Ding et al.
// 2024) for rows within the context before the stretching.
#pragma once

#include "config.hpp"

#include <w2s/tensor.hpp>

namespace w2s::hf {

class Rotary {
 public:
  /// Reads `rope_parameters`, or the older `rope_theta`, `rope_scaling` (and GPT-NeoX's `rotary_emb_base`,
  /// `rotary_pct`) at top level. Throws UsageError for a scaling that it does not know.
  Rotary(const Config& config, std::int64_t head_size, double partial_default);
  /// For blocks of one type, where each type has its own: reads `rope_parameters.<type>`, or the base at top
  /// level under `theta_key`, and `rope_scaling` where `scaled`.
  Rotary(const Config& config, std::int64_t head_size, const char* type, const char* theta_key, double theta,
         bool scaled);

  struct Angles {
    Tensor cos, sin;  ///< float32 [P, 1, T, size / 2], P = 1 or R
  };
  /// For positions [P, T].
  Angles angles(const Tensor& positions) const;
  /// Turns the first `size` numbers of each head of x [R, H, T, d]; keeps its type.
  Tensor turn(const Tensor& x, const Angles& angles) const;

  /// Most tokens of a row that the frequencies serve, of the model's `positions`.
  std::int64_t context(std::int64_t positions) const { return limit_ > 0 ? limit_ : positions; }

 private:
  void stretch(const Config& config, const Config& rope);
  void make(const Config& config, const Config& rope, double theta, double share, std::int64_t head_size);

  std::int64_t size_ = 0;           // rotated numbers of a head, even
  std::vector<float> frequencies_;  // [size / 2]
  double length_ = 1;               // of a turned pair, before it 1
  std::int64_t limit_ = 0;          // of positions; 0: none
};

}  // namespace w2s::hf
