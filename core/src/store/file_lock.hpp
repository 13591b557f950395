// FileLock: an exclusive flock on a file that exists only while it is held. It
// ends with its holder, however that dies; a file left behind is simply taken over.
#pragma once

#include <optional>
#include <string>

#include "base/files.hpp"

namespace w2s {

class FileLock {
 public:
  /// Nothing where another holder has it (also another holder in this process);
  /// throws Error where the file system gives no locks.
  static std::optional<FileLock> try_acquire(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  FileLock(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  Descriptor file_;
};

}  // namespace w2s
