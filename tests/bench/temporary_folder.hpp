// A folder that is removed with its contents at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <w2s/error.hpp>

namespace w2s {

class TemporaryFolder {
 public:
  /// In TMPDIR, else /tmp. Throws Error where it cannot be made.
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent)
      : path_((parent / "w2s-bench-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw Error("cannot make the folder '" + path_ + "'");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace w2s
