#include "results/archive_writer.hpp"

#include <archive.h>
#include <archive_entry.h>

#include "base/files.hpp"

namespace w2s {

struct ArchiveWriter::Impl {
  explicit Impl(const std::string& path_) : path(path_), file(path_), handle(archive_write_new()) {}
  ~Impl() {
    archive_write_fail(handle);  // closes without an end where commit() did not
    archive_write_free(handle);
  }

  void check(int code) const {
    if (code != ARCHIVE_OK) throw Error("cannot write '" + path + "': " + archive_error_string(handle));
  }

  static la_ssize_t write(archive* handle, void* self, const void* bytes, size_t size) {
    Impl& impl = *static_cast<Impl*>(self);
    try {
      impl.file.write(bytes, size);
      return static_cast<la_ssize_t>(size);
    } catch (const std::exception& error) {
      archive_set_error(handle, EIO, "%s", error.what());
      return -1;
    }
  }

  std::string path;
  AtomicFile file;
  archive* handle;
};

ArchiveWriter::ArchiveWriter(const std::string& path) : impl_(std::make_unique<Impl>(path)) {
  Impl& self = *impl_;
  self.check(archive_write_set_format_pax_restricted(self.handle));
  self.check(archive_write_add_filter_zstd(self.handle));
  self.check(archive_write_set_bytes_in_last_block(self.handle, 1));
  self.check(archive_write_open(self.handle, &self, nullptr, &Impl::write, nullptr));
}

ArchiveWriter::~ArchiveWriter() = default;

void ArchiveWriter::add(const std::string& name, std::string_view bytes) {
  Impl& self = *impl_;
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            &archive_entry_free);
  archive_entry_set_pathname_utf8(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  self.check(archive_write_header(self.handle, entry.get()));
  while (!bytes.empty()) {
    const la_ssize_t written = archive_write_data(self.handle, bytes.data(), bytes.size());
    if (written <= 0) self.check(ARCHIVE_FATAL);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void ArchiveWriter::commit() {
  impl_->check(archive_write_close(impl_->handle));
  impl_->file.commit();
}

}  // namespace w2s
