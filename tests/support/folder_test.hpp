// FolderTest: a test with a temporary folder of its own.
//
// The folder is there when the test begins and is removed with its contents at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace w2s {

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() : folder_(made()) {}
  ~FolderTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::filesystem::path folder_;

 private:
  static std::filesystem::path made() {
    std::string path = (std::filesystem::temp_directory_path() / "w2s-test-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make the folder " + path);
    return path;
  }
};

}  // namespace w2s
