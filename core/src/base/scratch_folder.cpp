#include "base/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>

#include "base/files.hpp"

namespace w2s {

ScratchFolder::ScratchFolder(const std::string& prefix)
    : ScratchFolder(std::filesystem::temp_directory_path(), prefix) {}

ScratchFolder::ScratchFolder(const std::filesystem::path& parent, const std::string& prefix)
    : path_((parent / (prefix + "XXXXXX")).string()) {
  if (mkdtemp(path_.data()) == nullptr) throw_system_error("make a folder in", parent.string(), errno);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace w2s
