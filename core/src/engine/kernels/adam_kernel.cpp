#include "engine/kernels/adam_kernel.hpp"

namespace w2s {

#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
void adam_kernel(float* __restrict value, const float* __restrict gradient, float* __restrict first,
                 float* __restrict second, std::int64_t n, AdamStep s) {
  const float shrink = s.decoupled ? 1.0f - s.lr * s.decay : 1.0f;
  const float pull = s.decoupled ? 0.0f : s.decay;
  const float size = s.lr / s.bias1;
  for (std::int64_t i = 0; i < n; ++i) {
    const float p = value[i] * shrink;
    const float g = gradient[i] + pull * value[i];
    first[i] = s.beta1 * first[i] + (1.0f - s.beta1) * g;
    second[i] = s.beta2 * second[i] + (1.0f - s.beta2) * g * g;
    value[i] = p - size * first[i] / (__builtin_sqrtf(second[i]) / s.root_bias2 + s.eps);
  }
}

}  // namespace w2s
