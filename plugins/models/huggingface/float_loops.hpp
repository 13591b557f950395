// Loops over floats in the processor's widest vectors: products of small matrices that lie in the cache and
// exponentials, of which attention over short sequences is made, and GELU.
#pragma once

#include <cstdint>

namespace w2s::hf {

/// A matrix [rows, inner] that may be transposed: element (i, k) is at data[i · row + k · step].
struct Left {
  const float* data;
  std::int64_t row, step;
};

/// C [rows, columns] = A B, or C + A B where `add` is set. B [inner, columns] and C have rows of `ldb` and
/// `ldc` floats. Each element is summed over `inner` in ascending order, whatever the shape.
void small_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, Left a, const float* b,
                   std::int64_t ldb, float* c, std::int64_t ldc, bool add);

struct ExpSum {
  float sum, largest;
};

/// In place: row[j] = exp(scale · row[j] − largest) for j < count, where largest is that of scale · row[j],
/// scale > 0; gives their sum.
ExpSum exponentials(float* row, std::int64_t count, float scale);

/// In place: row[j] = exp(scale · row[j] − shift).
void probabilities(float* row, std::int64_t count, float scale, float shift);

/// y[j] = x[j] σ(2u), u = √(2/π) (x[j] + 0.044715 x[j]³): GELU by tanh (Hendrycks & Gimpel 2016), as
/// 1 + tanh u = 2 σ(2u).
void gelu_values(const float* x, float* y, std::int64_t count);

/// dx[j] = dy[j] · dy/dx at x[j].
void gelu_gradients(const float* x, const float* dy, float* dx, std::int64_t count);

}  // namespace w2s::hf
