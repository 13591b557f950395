// Plugin libraries: shared objects, loaded once and never unloaded.
//
// A plugin's code outlives every use of it: autograd nodes, hooks and deleters
// point into it. The handles live in an object that is never destroyed.
#pragma once

#include <string>
#include <vector>

#include <w2s/register.hpp>

#include "plugins/fields.hpp"

namespace w2s {

struct Library {
  std::string path;  ///< canonical
  Fields stamp;
  std::vector<const PluginEntry*> entries;  ///< in the order of their names
};

/// Checks the stamp, then loads (rtld_now | rtld_local), then reads the entries. Loading
/// a path again gives the same library. Safe to call from several threads.
/// Throws UsageError where the stamp is refused, the loader fails or a symbol is missing.
const Library& load_library(const std::string& path);

}  // namespace w2s
