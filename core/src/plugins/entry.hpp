// The entry file of a plugin: what is compiled in beside the plugin's own sources.
//
// It defines the head of the library's entry list, the symbol that hands it out
// (w2s_plugin_entries) and the stamp, "key=value" lines in the ELF section
// .w2s_stamp. LibTorch's version, the C++ ABI and the compiler are filled in by
// the compiler that compiles the entry, so they cannot disagree with the objects.
// Used by the build (tools/w2s_stamp.cpp) and by compile.cpp. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "plugins/fields.hpp"

namespace w2s {

/// Version of the stamp's format.
inline constexpr const char* kStampVersion = "1";

/// A plugin's sources and the files that they include with quotes, followed through.
struct SourceSet {
  std::vector<std::string> files;  ///< absolute
  std::string digest;              ///< SHA-256 over names (relative to the first source) and code_text
};
/// Throws Error where a source cannot be read.
SourceSet source_set(const std::vector<std::string>& sources);

/// The SDK's headers, <folder>/w2s/*.hpp, sorted.
std::vector<std::string> sdk_headers(const std::string& include_folder);
/// SHA-256 over their names and code_text.
std::string sdk_digest(const std::string& include_folder);

/// C++ source of a plugin's entry. `fields`: sdk, torch_path, device, build, plugin, source (repeated),
/// source_digest, rebuild.
std::string plugin_entry(const Fields& fields);
/// C++ source of host_stamp_text(), the core's own stamp. `fields`: sdk, torch_path, device, build.
std::string host_entry(const Fields& fields);

}  // namespace w2s
