// JSON files for plugins: model configurations, tables beside data.
// May be called from any thread; several may read one file.
#pragma once

#include <string>

#include <w2s/value.hpp>

namespace w2s {

/// Reads a JSON file; keys keep their order. Throws UsageError where the file cannot be read
/// and Error where it is not JSON; both name the path.
W2S_API Value read_json(const std::string& path);

/// Writes a JSON file, indented by two spaces, atomically (temporary file, sync, rename).
/// Throws Error naming the path.
W2S_API void save_json(const std::string& path, const Value& value);

}  // namespace w2s
