// Data files, compressed or not.
// May be called from any thread.
#pragma once

#include <string>

#include <w2s/error.hpp>

namespace w2s {

/// The contents of a file; gzip and Zstandard are recognised by their first bytes, whatever the
/// name, and decompressed (several members or frames one after another as well).
/// Throws UsageError "<path>: …" where the file is missing, unreadable, cut off or corrupt.
W2S_API std::string read_data_file(const std::string& path);

}  // namespace w2s
