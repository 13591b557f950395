#include "engine/threads.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace w2s {

void set_threads(int count) {
  at::set_num_threads(count);
  static const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  static const auto now = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  // Setting starts all threads anew after a fork, to spin for a tenth of a second.
  if (set != nullptr && now != nullptr && now() != count) set(count);
}

}  // namespace w2s
