#include "engine/threads.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace w2s {

void set_threads(int count) {
  at::set_num_threads(count);
  static const auto of_products =
      reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (of_products != nullptr) of_products(count);
}

}  // namespace w2s
