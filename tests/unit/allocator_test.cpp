#include "base/allocator.hpp"

#include <sys/resource.h>

#include <cstring>
#include <memory>

#include <gtest/gtest.h>

namespace w2s {
namespace {

// Page faults while a block is allocated, written and freed.
long faults_of(std::size_t bytes) {
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  const long before = faults();
  const std::unique_ptr<char[]> block(new char[bytes]);
  std::memset(block.get(), 1, bytes);
  return faults() - before;
}

TEST(Allocator, FreedMemoryIsThereForTheNextBlock) {
  keep_freed_memory();
  constexpr std::size_t kBytes = 24 << 20;
  faults_of(kBytes);
  EXPECT_LT(faults_of(kBytes), 100) << "24 MiB are 6,144 pages";
}

}  // namespace
}  // namespace w2s
