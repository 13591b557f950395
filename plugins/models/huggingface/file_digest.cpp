#include "file_digest.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>

#include <w2s/digest.hpp>

namespace w2s::hf {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kKeptOnDisk = 64 << 20;  // bytes
constexpr std::int64_t kSettled = 2;            // seconds
constexpr std::size_t kHexDigits = 64;

// The folder of the cache; empty where there is none.
fs::path cache_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "w2s/digests";
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache/w2s/digests";
  return {};
}

std::string read_entry(const fs::path& file) {
  try {
    std::string digest;
    std::ifstream(file) >> digest;
    return digest.size() == kHexDigits ? digest : "";
  } catch (const std::exception&) {
    return "";
  }
}

// A cache that cannot be written is no error.
void write_entry(const fs::path& file, const std::string& digest) {
  std::error_code failure;
  fs::create_directories(file.parent_path(), failure);
  const fs::path aside = file.string() + "." + std::to_string(std::random_device()());
  {
    std::ofstream out(aside);
    out << digest << '\n';
    if (!out.flush()) failure = std::make_error_code(std::errc::io_error);
  }
  if (!failure) fs::rename(aside, file, failure);
  if (failure) fs::remove(aside, failure);
}

}  // namespace

std::string file_digest(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return sha256_file(path);
  if (status.st_mtim.tv_sec + kSettled > std::time(nullptr)) return sha256_file(path);
  const std::string key = Digest()
                              .add(fs::absolute(path).string())
                              .add(static_cast<std::int64_t>(status.st_dev))
                              .add(static_cast<std::int64_t>(status.st_ino))
                              .add(static_cast<std::int64_t>(status.st_size))
                              .add(static_cast<std::int64_t>(status.st_mtim.tv_sec))
                              .add(static_cast<std::int64_t>(status.st_mtim.tv_nsec))
                              .hex();
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(key); found != known.end()) return found->second;
  }
  const fs::path folder = status.st_size >= kKeptOnDisk ? cache_folder() : fs::path();
  std::string digest = folder.empty() ? "" : read_entry(folder / key);
  if (digest.empty()) {
    digest = sha256_file(path);
    if (!folder.empty()) write_entry(folder / key, digest);
  }
  const std::lock_guard lock(mutex);
  return known[key] = digest;
}

}  // namespace w2s::hf
