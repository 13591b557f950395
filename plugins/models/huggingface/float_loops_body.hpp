// The functions of float_loops.hpp for one kind of processor: float_loops.cpp includes this file in a
// namespace of its own for each, with the compiler told which instructions it may use. Hence no include
// guard.

constexpr std::int64_t kRows = 6, kColumns = 16;  // of a tile whose sums stay in registers

using Lanes = float __attribute__((vector_size(kColumns * sizeof(float))));
using Bits = std::int32_t __attribute__((vector_size(kColumns * sizeof(std::int32_t))));

inline __attribute__((always_inline)) Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline __attribute__((always_inline)) void store(float* to, const Lanes& lanes) {
  std::memcpy(to, &lanes, sizeof lanes);
}

template <int Rows>
inline __attribute__((always_inline)) void tile(std::int64_t inner, Left a, const float* b, std::int64_t ldb,
                                                float* c, std::int64_t ldc, bool add) {
  Lanes sums[Rows];
  for (int i = 0; i < Rows; ++i) sums[i] = add ? load(c + i * ldc) : Lanes{};
  for (std::int64_t k = 0; k < inner; ++k) {
    const Lanes row = load(b + k * ldb);
    for (int i = 0; i < Rows; ++i) sums[i] += a.data[i * a.row + k * a.step] * row;
  }
  for (int i = 0; i < Rows; ++i) store(c + i * ldc, sums[i]);
}

// exp(x) for x ≤ 0, within 2 units of the last place; 0 below −87. 2^n times a polynomial on ±ln 2 / 2
// (Cephes' coefficients).
inline __attribute__((always_inline)) Lanes exp_lanes(Lanes x) {
  const Lanes low = Lanes{} - 87.0f;
  const Bits tiny = x < low;
  x = tiny ? low : x;
  const Lanes rounder = Lanes{} + 12582912.0f;  // 1.5 · 2²³: adding it rounds to an integer
  const Lanes shifted = x * 1.44269504088896341f + rounder;
  const Lanes n = shifted - rounder;
  const Lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Bits exponent = (__builtin_convertvector(n, Bits) + 127) << 23;
  Lanes power;
  std::memcpy(&power, &exponent, sizeof power);
  return tiny ? Lanes{} : p * power;
}

// The first `count` of 16 numbers, and zeros.
inline __attribute__((always_inline)) Lanes load_some(const float* from, std::int64_t count) {
  Lanes lanes{};
  std::memcpy(&lanes, from, static_cast<std::size_t>(count) * sizeof(float));
  return lanes;
}

void small_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, Left a, const float* b,
                   std::int64_t ldb, float* c, std::int64_t ldc, bool add) {
  const std::int64_t whole = columns / kColumns * kColumns;
  for (std::int64_t i = 0; i < rows; i += kRows) {
    const Left part{a.data + i * a.row, a.row, a.step};
    for (std::int64_t j = 0; j < whole; j += kColumns) {
      float* to = c + i * ldc + j;
      switch (std::min(kRows, rows - i)) {
        case 6:
          tile<6>(inner, part, b + j, ldb, to, ldc, add);
          break;
        case 5:
          tile<5>(inner, part, b + j, ldb, to, ldc, add);
          break;
        case 4:
          tile<4>(inner, part, b + j, ldb, to, ldc, add);
          break;
        case 3:
          tile<3>(inner, part, b + j, ldb, to, ldc, add);
          break;
        case 2:
          tile<2>(inner, part, b + j, ldb, to, ldc, add);
          break;
        default:
          tile<1>(inner, part, b + j, ldb, to, ldc, add);
      }
    }
  }
  for (std::int64_t i = 0; i < rows && whole < columns; ++i) {
    for (std::int64_t j = whole; j < columns; ++j) {
      float sum = add ? c[i * ldc + j] : 0.0f;
      for (std::int64_t k = 0; k < inner; ++k) sum += a.data[i * a.row + k * a.step] * b[k * ldb + j];
      c[i * ldc + j] = sum;
    }
  }
}

inline __attribute__((always_inline)) float largest_of(const float* row, std::int64_t count) {
  Lanes most = Lanes{} + row[0];
  const std::int64_t whole = count / kColumns * kColumns;
  for (std::int64_t j = 0; j < whole; j += kColumns) {
    const Lanes next = load(row + j);
    most = next > most ? next : most;
  }
  float largest = row[0];
  for (int lane = 0; lane < kColumns; ++lane) largest = std::max(largest, most[lane]);
  for (std::int64_t j = whole; j < count; ++j) largest = std::max(largest, row[j]);
  return largest;
}

ExpSum exponentials(float* row, std::int64_t count, float scale) {
  const float largest = scale * largest_of(row, count);
  Lanes sums{};
  const std::int64_t whole = count / kColumns * kColumns;
  for (std::int64_t j = 0; j < whole; j += kColumns) {
    const Lanes e = exp_lanes(load(row + j) * scale - largest);
    store(row + j, e);
    sums += e;
  }
  float sum = 0;
  for (int lane = 0; lane < kColumns; ++lane) sum += sums[lane];
  if (whole < count) {
    const Lanes e = exp_lanes(load_some(row + whole, count - whole) * scale - largest);
    for (std::int64_t j = whole; j < count; ++j) sum += row[j] = e[j - whole];
  }
  return {sum, largest};
}

void probabilities(float* row, std::int64_t count, float scale, float shift) {
  const std::int64_t whole = count / kColumns * kColumns;
  for (std::int64_t j = 0; j < whole; j += kColumns) store(row + j, exp_lanes(load(row + j) * scale - shift));
  if (whole < count) {
    const Lanes e = exp_lanes(load_some(row + whole, count - whole) * scale - shift);
    std::memcpy(row + whole, &e, static_cast<std::size_t>(count - whole) * sizeof(float));
  }
}

struct Gelu {
  Lanes gate, slope;  // σ(2u), d(2u)/dx
};

inline __attribute__((always_inline)) Gelu gelu_lanes(Lanes x) {
  constexpr float kTwice = 1.59576912160573071f, kCubic = 0.044715f;  // 2 √(2/π)
  const Lanes square = x * x;
  const Lanes v = kTwice * x * (1.0f + kCubic * square);
  const Lanes e = exp_lanes(v < 0 ? v : -v);
  return {(v < 0 ? e : Lanes{} + 1.0f) / (1.0f + e), kTwice * (1.0f + 3 * kCubic * square)};
}

inline __attribute__((always_inline)) Lanes gelu_slope(Lanes x) {
  const Gelu gelu = gelu_lanes(x);
  return gelu.gate + x * gelu.gate * (1.0f - gelu.gate) * gelu.slope;
}

void gelu_values(const float* x, float* y, std::int64_t count) {
  for (std::int64_t j = 0; j < count; j += kColumns) {
    if (j + kColumns <= count) {
      const Lanes in = load(x + j);
      store(y + j, in * gelu_lanes(in).gate);
    } else {
      const Lanes in = load_some(x + j, count - j), out = in * gelu_lanes(in).gate;
      std::memcpy(y + j, &out, static_cast<std::size_t>(count - j) * sizeof(float));
    }
  }
}

void gelu_gradients(const float* x, const float* dy, float* dx, std::int64_t count) {
  for (std::int64_t j = 0; j < count; j += kColumns) {
    if (j + kColumns <= count) {
      store(dx + j, load(dy + j) * gelu_slope(load(x + j)));
    } else {
      const Lanes out = load_some(dy + j, count - j) * gelu_slope(load_some(x + j, count - j));
      std::memcpy(dx + j, &out, static_cast<std::size_t>(count - j) * sizeof(float));
    }
  }
}
