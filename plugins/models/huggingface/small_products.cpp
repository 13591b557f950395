#include "small_products.hpp"

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
#include "small_products_body.hpp"
}  // namespace v4
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace v3 {
#include "small_products_body.hpp"
}  // namespace v3
#pragma GCC pop_options

#endif

namespace any {
#include "small_products_body.hpp"
}  // namespace any

namespace {

struct Functions {
  decltype(&any::small_product) product = any::small_product;
  decltype(&any::exponentials) exponentials = any::exponentials;
  decltype(&any::probabilities) probabilities = any::probabilities;
};

Functions fastest() {
#if W2S_SEVERAL_PROCESSORS
  if (__builtin_cpu_supports("x86-64-v4")) return {v4::small_product, v4::exponentials, v4::probabilities};
  if (__builtin_cpu_supports("x86-64-v3")) return {v3::small_product, v3::exponentials, v3::probabilities};
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

}  // namespace w2s::hf
