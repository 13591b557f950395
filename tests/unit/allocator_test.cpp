#include "base/allocator.hpp"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace w2s {
namespace {

TEST(Allocator, TellsTheNextProgramToKeepItsMemoryOnce) {
  unsetenv("GLIBC_TUNABLES");
  EXPECT_TRUE(ask_to_keep_memory());
  const std::string asked = std::getenv("GLIBC_TUNABLES");
  EXPECT_NE(asked.find("glibc.malloc.trim_threshold="), std::string::npos) << asked;
  EXPECT_FALSE(ask_to_keep_memory()) << "a program that starts itself anew would do so forever";
}

TEST(Allocator, LeavesWhatTheUserHasSet) {
  setenv("GLIBC_TUNABLES", "glibc.malloc.check=3", 1);
  EXPECT_FALSE(ask_to_keep_memory());
  EXPECT_STREQ(std::getenv("GLIBC_TUNABLES"), "glibc.malloc.check=3");
}

}  // namespace
}  // namespace w2s
