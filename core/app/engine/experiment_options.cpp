#include "experiment_options.hpp"

#include <filesystem>

#include "plan/validate.hpp"
#include "plugins/home.hpp"

namespace w2s::app {

void add_experiment_options(Options& options) {
  options.add_overrides();
  options.add()("plugin", po::value<std::vector<std::string>>()->value_name("FILE"),
                "a plugin besides those of the file: a .cpp, which is compiled, or a .so; may be repeated");
}

namespace {

// The plugins become part of the experiments: their records then say all that they need.
LoadedExperiments with_plugins(std::vector<Experiment> experiments, const Options& options) {
  LoadedExperiments loaded;
  loaded.experiments = std::move(experiments);
  std::vector<std::string> paths = loaded.experiments[0].plugin_paths;
  std::vector<std::string> sources = loaded.experiments[0].plugin_sources;
  for (const std::string& plugin : options.list("plugin")) {
    const std::string path = std::filesystem::absolute(plugin).lexically_normal().string();
    (std::filesystem::path(plugin).extension() == ".cpp" ? sources : paths).push_back(path);
  }
  loaded.registry = load_plugins(paths, sources);
  for (Experiment& experiment : loaded.experiments) {
    experiment.plugin_paths = paths;
    experiment.plugin_sources = sources;
    resolve_plugins(experiment, loaded.registry);
  }
  return loaded;
}

std::vector<std::string> preset_folders() { return {home_folder() + "/w2s/presets"}; }

}  // namespace

LoadedExperiments load(const Options& options) {
  Overrides overrides = options.overrides();
  overrides.presets = preset_folders();
  return with_plugins(load_experiments(options.required("experiment"), overrides), options);
}

LoadedExperiments load_text(const std::string& text, const std::string& name, const Options& options) {
  Overrides overrides;
  overrides.presets = preset_folders();
  return with_plugins(parse_experiments(text, name, overrides), options);
}

}  // namespace w2s::app
