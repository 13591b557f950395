#include "plugins/home.hpp"

#include <dlfcn.h>

#include <filesystem>

#include <w2s/error.hpp>

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::string find_home() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&home_folder), &self) == 0 || self.dli_fname == nullptr) {
    throw Error("cannot find the file that the w2s core was loaded from");
  }
  std::error_code failed;
  fs::path file = fs::canonical(self.dli_fname, failed);
  if (failed) file = fs::canonical("/proc/self/exe");
  const fs::path folder = file.parent_path();
  const fs::path beside = (folder / "../lib").lexically_normal();
  return (!fs::exists(folder / "w2s") && fs::exists(beside / "w2s") ? beside : folder).string();
}

}  // namespace

std::string home_folder() {
  static const std::string home = find_home();
  return home;
}

}  // namespace w2s
