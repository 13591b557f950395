// A folder of one's own that is removed with its contents at the end.
#pragma once

#include <filesystem>
#include <string>

namespace w2s {

class ScratchFolder {
 public:
  /// <parent>/<prefix>XXXXXX; `parent` is the system's folder for temporary files (TMPDIR, else /tmp) where
  /// none is given. Throws Error where it cannot be made.
  explicit ScratchFolder(const std::string& prefix = "w2s-");
  ScratchFolder(const std::filesystem::path& parent, const std::string& prefix);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  /// A path inside it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace w2s
