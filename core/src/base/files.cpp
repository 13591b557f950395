#include "base/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>

namespace w2s {
namespace {

namespace fs = std::filesystem;

Descriptor open_or_throw(const std::string& path, int flags, const char* action) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_system_error(action, path, errno);
  return Descriptor(fd);
}

void sync_descriptor(const Descriptor& file, const std::string& path) {
  // Some file systems know no fsync for folders and say EINVAL.
  if (::fsync(file.get()) != 0 && errno != EINVAL) throw_system_error("write", path, errno);
}

/// Unique among processes, threads and hosts that share a folder.
std::string unique_suffix() {
  static std::atomic<unsigned> counter{0};
  std::random_device random;
  return std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-" + std::to_string(random());
}

}  // namespace

void throw_system_error(const std::string& action, const std::string& path, int code) {
  throw Error("cannot " + action + " '" + path + "': " + std::generic_category().message(code));
}

std::string parent_directory(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string read_file(const std::string& path) {
  const Descriptor file = open_or_throw(path, O_RDONLY, "read");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_system_error("read", path, errno);
  std::string contents;
  contents.resize(status.st_size > 0 ? static_cast<std::size_t>(status.st_size) + 1 : 65536);
  std::size_t size = 0;
  while (true) {
    if (size == contents.size()) contents.resize(2 * size);
    const ssize_t got = ::read(file.get(), contents.data() + size, contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  contents.resize(size);
  return contents;
}

void write_file_atomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

void make_directories(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return;
  const std::string parent = parent_directory(path);
  if (parent != path) make_directories(parent);
  if (::mkdir(path.c_str(), 0777) == 0) {
    sync_directory(parent);
  } else if (const int code = errno; !fs::is_directory(path, ignored)) {
    throw_system_error("make folder", path, code == EEXIST ? ENOTDIR : code);
  }
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw_system_error("read folder", path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) throw_system_error("read", path, errno);
  return false;
}

void sync_file(const std::string& path) { sync_descriptor(open_or_throw(path, O_RDONLY, "write"), path); }

void sync_directory(const std::string& path) {
  sync_descriptor(open_or_throw(path, O_RDONLY | O_DIRECTORY, "write to folder"), path);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  const fs::path target(path);
  temporary_ =
      (target.parent_path() / ("." + target.filename().string() + "." + unique_suffix() + ".tmp")).string();
  file_ = Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file_.valid()) throw_system_error("write", path_, errno);
  ::flock(file_.get(),
          LOCK_EX | LOCK_NB);  // marks the writer as alive; a file system without locks only loses the mark
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(file_.get(), bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("write", path_, errno);
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  sync_descriptor(file_, path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_system_error("write", path_, errno);
  temporary_.clear();
  sync_directory(parent_directory(path_));
}

void remove_stale_temporaries(const std::string& folder) {
  for (const std::string& name : list_directory(folder)) {
    if (name.front() != '.' || !name.ends_with(".tmp")) continue;
    const std::string path = folder + "/" + name;
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const Descriptor file = open_or_throw(path, O_RDONLY, "read");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_system_error("read", path, errno);
  if (!S_ISREG(status.st_mode)) throw Error("cannot read '" + path + "': not a file");
  device_ = status.st_dev;
  inode_ = status.st_ino;
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) throw_system_error("map", path, errno);
  data_ = static_cast<unsigned char*>(mapping);
}

std::shared_ptr<unsigned char> MappedFile::writable(std::size_t begin, std::size_t bytes) const {
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (bytes == 0 || !file.valid() || ::fstat(file.get(), &status) != 0) return nullptr;
  if (status.st_dev != device_ || status.st_ino != inode_ ||
      static_cast<std::size_t>(status.st_size) != size_)
    return nullptr;
  const std::size_t before = begin % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t whole = before + bytes;
  void* mapping = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(),
                         static_cast<off_t>(begin - before));
  if (mapping == MAP_FAILED) return nullptr;
  return {static_cast<unsigned char*>(mapping) + before,
          [mapping, whole](unsigned char*) { ::munmap(mapping, whole); }};
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace w2s
