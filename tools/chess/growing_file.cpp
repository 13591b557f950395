#include "growing_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <w2s/error.hpp>
#include <w2s/json.hpp>

namespace w2s::chess {

GrowingFile::GrowingFile(const std::string& path, const Table& settings) : path_(path) {
  make_directories(parent_directory(path));
  const std::string beside = path + ".settings.json";
  const bool begun = exists(path);
  if (begun) {
    if (!exists(beside))
      throw UsageError(path + " exists, but not its settings " + beside + ": choose another file");
    const Value old = read_json(beside);
    for (const auto& [key, value] : settings) {
      const Value* was = old.as_table().find(key);
      if (was != nullptr && *was == value) continue;
      throw UsageError(path + " was begun with " + key + " = " + (was ? was->canonical() : "nothing") +
                       ", not " + value.canonical() + ": use the same settings or another file");
    }
  } else {
    save_json(beside, settings);
  }
  file_ = Descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file_.valid()) throw_system_error("open", path, errno);
  if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
    throw UsageError(path + " is being written by another process");
  text_ = read_file(path);
}

void GrowingFile::cut(std::size_t size) {
  text_.resize(size);
  if (ftruncate(file_.get(), static_cast<off_t>(size)) != 0) throw_system_error("shorten", path_, errno);
}

void GrowingFile::append(const std::string& piece) {
  constexpr std::size_t kSyncEvery = 1 << 20;
  for (std::size_t done = 0; done < piece.size();) {
    const ssize_t count = ::write(file_.get(), piece.data() + done, piece.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error("write", path_, errno);
    done += static_cast<std::size_t>(count);
  }
  unsynced_ += piece.size();
  if (unsynced_ >= kSyncEvery) sync();
}

void GrowingFile::sync() {
  if (fdatasync(file_.get()) != 0) throw_system_error("sync", path_, errno);
  unsynced_ = 0;
}

}  // namespace w2s::chess
