#include "base/allocator.hpp"

#include <cstdlib>

namespace w2s {

bool ask_to_keep_memory() {
  if (std::getenv("GLIBC_TUNABLES") != nullptr) return false;
  // 32 MiB is the most that glibc takes as mmap_threshold; what is larger is mapped and unmapped each time.
  setenv("GLIBC_TUNABLES",
         "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296:glibc.malloc.hugetlb=1",
         1);
  return true;
}

}  // namespace w2s
