// SHA-256 of weight files, which are read once and not at every question.
#pragma once

#include <string>

namespace w2s::hf {

/// sha256_file(path), remembered by the file's path, inode, size and time of change: in this process, and
/// from 64 MB on in $XDG_CACHE_HOME/w2s/digests (default ~/.cache/w2s/digests). A file that changed within
/// the last two seconds is not remembered: its time may not tell the next change. Throws Error as sha256_file
/// does.
std::string file_digest(const std::string& path);

}  // namespace w2s::hf
