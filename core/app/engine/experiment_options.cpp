#include "experiment_options.hpp"

#include <filesystem>

#include "plan/validate.hpp"

namespace w2s::app {

void add_experiment_options(Options& options) {
  options.add_overrides();
  options.add()("plugin", po::value<std::vector<std::string>>()->value_name("FILE"),
                "a plugin besides those of the file: a .cpp, which is compiled, or a .so; may be repeated");
}

LoadedExperiments load(const Options& options) {
  LoadedExperiments loaded;
  loaded.experiments = load_experiments(options.required("experiment"), options.overrides());
  std::vector<std::string> paths = loaded.experiments[0].plugin_paths;
  std::vector<std::string> sources = loaded.experiments[0].plugin_sources;
  for (const std::string& plugin : options.list("plugin")) {
    const std::string path = std::filesystem::absolute(plugin).lexically_normal().string();
    (std::filesystem::path(plugin).extension() == ".cpp" ? sources : paths).push_back(path);
  }
  loaded.registry = load_plugins(paths, sources);
  for (Experiment& experiment : loaded.experiments) resolve_plugins(experiment, loaded.registry);
  return loaded;
}

}  // namespace w2s::app
