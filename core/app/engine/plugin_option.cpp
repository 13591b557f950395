#include "plugin_option.hpp"

#include <filesystem>

namespace w2s::app {

void describe(OptionSchema<PluginOption>& s) {
  s.option("plugin", &PluginOption::plugin, "FILE",
           "a further plugin: a .cpp, which is compiled, or a .so; may be repeated");
}

void add_plugins(const PluginOption& option, std::vector<std::string>& libraries,
                 std::vector<std::string>& sources) {
  for (const std::string& file : option.plugin) {
    const std::filesystem::path path = std::filesystem::absolute(file).lexically_normal();
    (path.extension() == ".cpp" ? sources : libraries).push_back(path.string());
  }
}

Registry registry_with(const PluginOption& option) {
  std::vector<std::string> libraries, sources;
  add_plugins(option, libraries, sources);
  return load_plugins(libraries, sources);
}

}  // namespace w2s::app
