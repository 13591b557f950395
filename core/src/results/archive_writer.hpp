// A tar archive compressed with zstd that appears whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace w2s {

/// Plain files only, with mode 0644 and no time or owner: the same members give the same bytes.
/// Throws Error where it cannot write.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(const std::string& path);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  void add(const std::string& name, std::string_view bytes);
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace w2s
