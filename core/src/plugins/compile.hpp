// Plugins from source: one .cpp compiled with the compiler, flags and headers of this core.
//
// The flags were recorded beside the core when it was built (w2s/compile_flags.CXX.txt).
// Results are kept in $XDG_CACHE_HOME/w2s/plugins (default ~/.cache/w2s/plugins) under a
// digest of the source, the files that it includes with quotes, the SDK and the flags.
// Several processes may compile the same source at once: one does, the others wait.
#pragma once

#include <string>

namespace w2s {

/// Path of the compiled plugin. Throws UsageError for a source that does not exist or does
/// not compile, with the compiler's first errors and their places in the plugin.
std::string compile_plugin(const std::string& source);

}  // namespace w2s
