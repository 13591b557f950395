// FolderTest: a test with a temporary folder of its own.
//
// The folder is there when the test begins and is removed with its contents at the end.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "base/scratch_folder.hpp"

namespace w2s {

class FolderTest : public ::testing::Test {
 protected:
  const ScratchFolder scratch_{"w2s-test-"};
  const std::filesystem::path folder_ = scratch_.path();
};

}  // namespace w2s
