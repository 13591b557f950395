// Data sets that are too large or not free enough for the repository: $W2S_DATA names a folder that holds
// some of them. What they are needed for is tested on small data too; these tests count the rows of the real
// files.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace w2s {

/// The data set's folder, which need not be there.
inline std::filesystem::path real_data(const std::string& name) {
  const char* folder = std::getenv("W2S_DATA");
  return std::filesystem::path(folder != nullptr ? folder : "/nowhere") / name;
}

/// Why a test that needs the data set is skipped.
inline std::string absent(const std::string& name) {
  return "the data set " + name + " is not in the repository: W2S_DATA names no folder that holds it";
}

}  // namespace w2s
