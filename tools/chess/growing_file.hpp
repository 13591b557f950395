// A file that grows by whole pieces and survives interruption: pieces are appended in one write and synced at
// times, the settings that made it lie beside it, and what a killed writer left half-written is cut off.
#pragma once

#include <w2s/value.hpp>

#include "base/files.hpp"

namespace w2s::chess {

class GrowingFile {
 public:
  /// Opens or begins the file. `settings` (path + ".settings.json") must equal those that it was begun with:
  /// else UsageError names the first that differs. One writer at a time: a second one is a UsageError.
  GrowingFile(const std::string& path, const Table& settings);

  /// What is in it: read before the first append.
  const std::string& text() const { return text_; }
  /// Keeps the first so many bytes.
  void cut(std::size_t size);
  void append(const std::string& piece);
  void sync();

 private:
  std::string path_, text_;
  Descriptor file_;
  std::size_t unsynced_ = 0;
};

}  // namespace w2s::chess
