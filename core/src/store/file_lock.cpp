#include "store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace w2s {

std::optional<FileLock> FileLock::try_acquire(const std::string& path) {
  while (true) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file.valid()) throw_system_error("lock", path, errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw_system_error("lock", path, errno);
    }
    // The last holder may have unlinked the file between our open and our flock.
    struct stat locked {
    }, current{};
    if (::fstat(file.get(), &locked) == 0 && ::stat(path.c_str(), &current) == 0 &&
        locked.st_dev == current.st_dev && locked.st_ino == current.st_ino) {
      return FileLock(path, std::move(file));
    }
  }
}

FileLock::FileLock(FileLock&& other) noexcept : path_(std::move(other.path_)), file_(std::move(other.file_)) {
  other.path_.clear();
}

FileLock::~FileLock() {
  if (file_.valid()) ::unlink(path_.c_str());
}

}  // namespace w2s
