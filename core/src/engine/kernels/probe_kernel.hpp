// Products of a batch's rows with the heads of many probes. Free of LibTorch.
//
// Rows x, weights w and gradients g are padded to a common stride, a multiple of kProbeLanes floats; what
// lies behind their numbers is zero, and stays zero. Every result is summed in one fixed order: its bits do
// not depend on how many probes are computed together. Products are fused with sums where the processor can
// (AVX2 with FMA).
#pragma once

#include <cstdint>

namespace w2s {

inline constexpr std::int64_t kProbeLanes = 8;

/// z_i[r, c] = x[r] · w_i[c] for each of `probes` heads: x [rows, stride], w_i [outputs, stride],
/// z_i [rows, outputs].
void probe_logits(const float* x, const float* const* w, float* const* z, std::int64_t probes,
                  std::int64_t rows, std::int64_t outputs, std::int64_t stride);

/// g_i[c] = Σ_r dz_i[r, c] x[r], rows in order: dz_i [rows, outputs], g_i [outputs, stride].
void probe_gradients(const float* x, const float* const* dz, float* const* g, std::int64_t probes,
                     std::int64_t rows, std::int64_t outputs, std::int64_t stride);

/// Σ v², n a multiple of kProbeLanes.
double sum_of_squares(const float* v, std::int64_t n);

}  // namespace w2s
