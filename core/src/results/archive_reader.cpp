#include "results/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

#include "base/display_width.hpp"

namespace w2s {

struct ArchiveReader::Impl {
  archive* handle = archive_read_new();
  ~Impl() { archive_read_free(handle); }
};

void ArchiveReader::refuse(const std::string& why) const { throw UsageError(path_ + ": " + printable(why)); }

ArchiveReader::ArchiveReader(const std::string& path) : impl_(std::make_unique<Impl>()), path_(path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    throw UsageError("there is no archive '" + path + "'");
  archive_bytes_ = status.st_size;
  archive_read_support_format_tar(impl_->handle);
  archive_read_support_filter_zstd(impl_->handle);
  constexpr std::size_t kBlock = 1 << 20;
  if (archive_read_open_filename(impl_->handle, path.c_str(), kBlock) != ARCHIVE_OK)
    refuse("it is no archive of w2s records (tar, compressed with zstd)");
}

ArchiveReader::~ArchiveReader() = default;

bool ArchiveReader::next() {
  archive_entry* entry = nullptr;
  const int code = archive_read_next_header(impl_->handle, &entry);
  if (code == ARCHIVE_EOF) return false;
  if (code != ARCHIVE_OK) {
    const char* why = archive_error_string(impl_->handle);
    refuse(fmt::format("it is no whole archive of w2s records ({})", why == nullptr ? "damaged" : why));
  }
  const char* name = archive_entry_pathname(entry);
  name_ = name == nullptr ? "" : name;
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr)
    refuse(fmt::format("the member '{}' is a link", name_));
  if (archive_entry_filetype(entry) != AE_IFREG)
    refuse(fmt::format("the member '{}' is no plain file", name_));
  if (archive_entry_sparse_count(entry) > 0) refuse(fmt::format("the member '{}' is sparse", name_));
  if (archive_entry_size_is_set(entry) == 0 || archive_entry_size(entry) < 0)
    refuse(fmt::format("the member '{}' does not say its size", name_));
  bytes_ = archive_entry_size(entry);
  return true;
}

void ArchiveReader::read(const std::function<void(const char*, std::size_t)>& take) {
  char block[1 << 16];
  std::int64_t got = 0;
  while (true) {
    const la_ssize_t size = archive_read_data(impl_->handle, block, sizeof block);
    if (size < 0) refuse(fmt::format("'{}' is damaged ({})", name_, archive_error_string(impl_->handle)));
    if (size == 0) break;
    got += size;
    if (got > bytes_) refuse(fmt::format("'{}' is longer than its header says", name_));
    take(block, static_cast<std::size_t>(size));
  }
  if (got != bytes_) refuse(fmt::format("'{}' is shorter than its header says", name_));
}

std::string ArchiveReader::read_all() {
  std::string bytes;
  read([&](const char* data, std::size_t size) { bytes.append(data, size); });
  return bytes;
}

std::string ArchiveReader::copy(std::unique_ptr<std::ofstream> file) {
  Digest digest;
  read([&](const char* data, std::size_t size) {
    digest.raw(data, size);
    if (file) file->write(data, static_cast<std::streamsize>(size));
  });
  if (file && !file->flush()) throw Error("cannot write what '" + path_ + "' holds: is the disk full?");
  return digest.hex();
}

}  // namespace w2s
