// The members of an untrusted tar archive compressed with zstd, one after the other.
//
// Plain files only; nothing is ever written for a member that is none. Throws
// UsageError "<archive>: …" for what is not such an archive.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

namespace w2s {

/// What is said of a member before it is read.
struct Member {
  std::int64_t bytes = 0;
  std::string sha256;
};

/// Where a member's bytes go; null: nowhere.
using TakeMember = std::function<std::unique_ptr<std::ofstream>(const std::string& name)>;

class ArchiveReader {
 public:
  /// Throws UsageError where there is no such file.
  explicit ArchiveReader(const std::string& path);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// The next member; false at the end. Throws for a link, a folder, a device and a damaged archive.
  bool next();
  const std::string& name() const { return name_; }
  /// As its header says; reading throws where more or less is there.
  std::int64_t bytes() const { return bytes_; }
  std::int64_t archive_bytes() const { return archive_bytes_; }

  std::string read_all();
  /// Into `file`, or nowhere; returns the SHA-256. Throws Error where it cannot write.
  std::string copy(std::unique_ptr<std::ofstream> file);

 private:
  void read(const std::function<void(const char* data, std::size_t size)>& take);
  [[noreturn]] void refuse(const std::string& why) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string path_, name_;
  std::int64_t bytes_ = 0, archive_bytes_ = 0;
};

}  // namespace w2s
