#include "base/allocator.hpp"

#include <malloc.h>

#include <climits>

namespace w2s {

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc takes
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

}  // namespace w2s
