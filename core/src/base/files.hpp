// Files that survive a crash: whole-file reads, atomic writes, mappings, synced folders.
// Every failure is an Error "cannot <do> '<path>': <reason of the system>". Free of LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <w2s/error.hpp>

namespace w2s {

/// Throws Error("cannot <action> '<path>': <text of errno `code`>").
[[noreturn]] void throw_system_error(const std::string& action, const std::string& path, int code);

std::string read_file(const std::string& path);

/// Writes beside `path`, syncs, renames, syncs the folder: readers see the old contents or the new.
void write_file_atomically(const std::string& path, std::string_view contents);

/// Makes `path` and its parents where absent, and syncs the folders that gained an entry.
void make_directories(const std::string& path);

/// Flushes a file's contents, or a folder's entries, to the device.
void sync_file(const std::string& path);
void sync_directory(const std::string& path);

/// Names in a folder, sorted; empty where there is no such folder.
std::vector<std::string> list_directory(const std::string& path);

/// Whether something is at `path`; throws Error where that cannot be told.
bool exists(const std::string& path);

/// The folder that holds `path`; "." for a bare name.
std::string parent_directory(const std::string& path);

/// A file descriptor, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// A file written piece by piece that appears at `path` by commit(), whole, or not at all.
/// The temporary is ".<name>.<unique>.tmp" beside it and is locked with flock while its writer lives.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  std::string path_, temporary_;
  Descriptor file_;
};

/// Removes temporaries that AtomicFile left in `folder` when its writer died.
void remove_stale_temporaries(const std::string& folder);

/// A read-only mapping of a whole file; empty files map to no bytes.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  /// A mapping of its own of these bytes that may be written to: a page is copied when it is first written,
  /// and the file never changes. Empty where another file lies at the path by now, or the kernel refuses.
  std::shared_ptr<unsigned char> writable(std::size_t begin, std::size_t bytes) const;

 private:
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;  // which file it is
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace w2s
