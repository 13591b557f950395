#include "engine/kernels/probe_kernel.hpp"

#include <algorithm>

namespace w2s {
namespace {

using Lanes = float __attribute__((vector_size(32)));
using Unaligned = float __attribute__((vector_size(32), aligned(4), may_alias));

constexpr std::int64_t kRows = 4;       // rows of one tile of logits
constexpr std::int64_t kBlockRows = 8;  // rows that stay in the first cache while all heads pass
constexpr std::int64_t kColumns = 4;    // lanes of columns of one tile of gradients

#define W2S_INLINE inline __attribute__((always_inline))

// One tile: R rows times C heads' rows, each product in an accumulator of its own.
template <int R, int C>
W2S_INLINE void logit_tile(const float* x, const float* w, float* z, std::int64_t outputs,
                           std::int64_t stride) {
  Lanes sums[R][C] = {};
  for (std::int64_t d = 0; d < stride; d += kProbeLanes) {
    Lanes head[C];
    for (int c = 0; c < C; ++c) head[c] = *reinterpret_cast<const Unaligned*>(w + c * stride + d);
    for (int r = 0; r < R; ++r) {
      const Lanes row = *reinterpret_cast<const Unaligned*>(x + r * stride + d);
      for (int c = 0; c < C; ++c) sums[r][c] += row * head[c];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      const Lanes s = sums[r][c];
      z[r * outputs + c] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    }
  }
}

template <int R>
W2S_INLINE void logit_rows(const float* x, const float* w, float* z, std::int64_t outputs,
                           std::int64_t stride) {
  std::int64_t c = 0;
  for (; c + 2 <= outputs; c += 2) logit_tile<R, 2>(x, w + c * stride, z + c, outputs, stride);
  if (c < outputs) logit_tile<R, 1>(x, w + c * stride, z + c, outputs, stride);
}

W2S_INLINE void logits_body(const float* x, const float* const* w, float* const* z, std::int64_t probes,
                            std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
  for (std::int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const std::int64_t end = std::min(rows, begin + kBlockRows);
    for (std::int64_t i = 0; i < probes; ++i) {
      std::int64_t r = begin;
      for (; r + kRows <= end; r += kRows)
        logit_rows<kRows>(x + r * stride, w[i], z[i] + r * outputs, outputs, stride);
      for (; r < end; ++r) logit_rows<1>(x + r * stride, w[i], z[i] + r * outputs, outputs, stride);
    }
  }
}

template <int L, int C>
W2S_INLINE void gradient_tile(const float* x, const float* dz, float* g, std::int64_t rows,
                              std::int64_t outputs, std::int64_t stride) {
  Lanes sums[C][L] = {};
  for (std::int64_t r = 0; r < rows; ++r) {
    Lanes row[L];
    for (int l = 0; l < L; ++l)
      row[l] = *reinterpret_cast<const Unaligned*>(x + r * stride + l * kProbeLanes);
    for (int c = 0; c < C; ++c) {
      const float slope = dz[r * outputs + c];
      for (int l = 0; l < L; ++l) sums[c][l] += slope * row[l];
    }
  }
  for (int c = 0; c < C; ++c) {
    for (int l = 0; l < L; ++l) *reinterpret_cast<Unaligned*>(g + c * stride + l * kProbeLanes) = sums[c][l];
  }
}

template <int L>
W2S_INLINE void gradient_columns(const float* x, const float* dz, float* g, std::int64_t rows,
                                 std::int64_t outputs, std::int64_t stride) {
  std::int64_t c = 0;
  for (; c + 2 <= outputs; c += 2) gradient_tile<L, 2>(x, dz + c, g + c * stride, rows, outputs, stride);
  if (c < outputs) gradient_tile<L, 1>(x, dz + c, g + c * stride, rows, outputs, stride);
}

W2S_INLINE void gradients_body(const float* x, const float* const* dz, float* const* g, std::int64_t probes,
                               std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
  std::int64_t d = 0;
  for (; d + kColumns * kProbeLanes <= stride; d += kColumns * kProbeLanes) {
    for (std::int64_t i = 0; i < probes; ++i)
      gradient_columns<kColumns>(x + d, dz[i], g[i] + d, rows, outputs, stride);
  }
  for (; d < stride; d += kProbeLanes) {
    for (std::int64_t i = 0; i < probes; ++i)
      gradient_columns<1>(x + d, dz[i], g[i] + d, rows, outputs, stride);
  }
}

W2S_INLINE double squares_body(const float* v, std::int64_t n) {
  double sums[kProbeLanes] = {};
  for (std::int64_t i = 0; i < n; i += kProbeLanes) {
    for (std::int64_t l = 0; l < kProbeLanes; ++l) {
      const double value = v[i + l];
      sums[l] += value * value;
    }
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

#ifdef __x86_64__
#define W2S_FMA __attribute__((target("avx2,fma")))
W2S_FMA void logits_fma(const float* x, const float* const* w, float* const* z, std::int64_t probes,
                        std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
  logits_body(x, w, z, probes, rows, outputs, stride);
}
W2S_FMA void gradients_fma(const float* x, const float* const* dz, float* const* g, std::int64_t probes,
                           std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
  gradients_body(x, dz, g, probes, rows, outputs, stride);
}
W2S_FMA double squares_fma(const float* v, std::int64_t n) { return squares_body(v, n); }
const bool has_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif

}  // namespace

void probe_logits(const float* x, const float* const* w, float* const* z, std::int64_t probes,
                  std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
#ifdef __x86_64__
  if (has_fma) return logits_fma(x, w, z, probes, rows, outputs, stride);
#endif
  logits_body(x, w, z, probes, rows, outputs, stride);
}

void probe_gradients(const float* x, const float* const* dz, float* const* g, std::int64_t probes,
                     std::int64_t rows, std::int64_t outputs, std::int64_t stride) {
#ifdef __x86_64__
  if (has_fma) return gradients_fma(x, dz, g, probes, rows, outputs, stride);
#endif
  gradients_body(x, dz, g, probes, rows, outputs, stride);
}

double sum_of_squares(const float* v, std::int64_t n) {
#ifdef __x86_64__
  if (has_fma) return squares_fma(v, n);
#endif
  return squares_body(v, n);
}

}  // namespace w2s
