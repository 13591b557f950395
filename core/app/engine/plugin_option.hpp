// --plugin FILE, of all commands that load plugins.
#pragma once

#include <string>
#include <vector>

#include "../options.hpp"
#include "plugins/registry.hpp"

namespace w2s::app {

struct PluginOption {
  std::vector<std::string> plugin;
};
void describe(OptionSchema<PluginOption>& options);

/// Adds these files' absolute paths to the libraries and, of a .cpp, to the sources that are compiled.
void add_plugins(const PluginOption& option, std::vector<std::string>& libraries,
                 std::vector<std::string>& sources);
/// The installed plugins and these.
Registry registry_with(const PluginOption& option);

}  // namespace w2s::app
