#include "float_loops.hpp"

#include <algorithm>
#include <cstring>

// Vectors are passed between functions of this file alone, all inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define W2S_SEVERAL_PROCESSORS 1
#else
#define W2S_SEVERAL_PROCESSORS 0
#endif

namespace w2s::hf {

#if W2S_SEVERAL_PROCESSORS

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
namespace v4 {
#include "float_loops_body.hpp"
}  // namespace v4
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace v3 {
#include "float_loops_body.hpp"
}  // namespace v3
#pragma GCC pop_options

#endif

namespace any {
#include "float_loops_body.hpp"
}  // namespace any

namespace {

struct Functions {
  decltype(&any::small_product) product = any::small_product;
  decltype(&any::exponentials) exponentials = any::exponentials;
  decltype(&any::probabilities) probabilities = any::probabilities;
  decltype(&any::gelu_values) gelu = any::gelu_values;
  decltype(&any::gelu_gradients) gelu_gradients = any::gelu_gradients;
};

Functions fastest() {
#if W2S_SEVERAL_PROCESSORS
  if (__builtin_cpu_supports("x86-64-v4"))
    return {v4::small_product, v4::exponentials, v4::probabilities, v4::gelu_values, v4::gelu_gradients};
  if (__builtin_cpu_supports("x86-64-v3"))
    return {v3::small_product, v3::exponentials, v3::probabilities, v3::gelu_values, v3::gelu_gradients};
#endif
  return {};
}

const Functions functions = fastest();

}  // namespace

void small_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, Left a, const float* b,
                   std::int64_t ldb, float* c, std::int64_t ldc, bool add) {
  functions.product(rows, columns, inner, a, b, ldb, c, ldc, add);
}

ExpSum exponentials(float* row, std::int64_t count, float scale) {
  return functions.exponentials(row, count, scale);
}

void probabilities(float* row, std::int64_t count, float scale, float shift) {
  functions.probabilities(row, count, scale, shift);
}

void gelu_values(const float* x, float* y, std::int64_t count) { functions.gelu(x, y, count); }

void gelu_gradients(const float* x, const float* dy, float* dx, std::int64_t count) {
  functions.gelu_gradients(x, dy, dx, count);
}

}  // namespace w2s::hf
