#include "experiment_options.hpp"

#include "plan/validate.hpp"
#include "plugins/home.hpp"

namespace w2s::app {

void describe(OptionSchema<ExperimentOptions>& s) {
  s.option("set", &ExperimentOptions::set, "KEY=VALUE",
           "change a value of the experiment: dotted key, TOML value; may be repeated");
  s.option("sweep", &ExperimentOptions::sweep, "KEY=V1,V2",
           "run the experiment for each value; several make a grid; may be repeated");
  s.option("seeds", &ExperimentOptions::seeds, "0,1,2", "these seeds instead of the file's");
}

void take(Options& options, ExperimentOptions& wanted) {
  options.take(wanted);
  options.take(wanted.plugins);
}

namespace {

// The plugins become part of the experiments: their records then say all that they need.
LoadedExperiments with_plugins(std::vector<Experiment> experiments, const PluginOption& plugins) {
  LoadedExperiments loaded;
  loaded.experiments = std::move(experiments);
  std::vector<std::string> paths = loaded.experiments[0].plugin_paths;
  std::vector<std::string> sources = loaded.experiments[0].plugin_sources;
  add_plugins(plugins, paths, sources);
  loaded.registry = load_plugins(paths, sources);
  for (Experiment& experiment : loaded.experiments) {
    experiment.plugin_paths = paths;
    experiment.plugin_sources = sources;
    resolve_plugins(experiment, loaded.registry);
  }
  return loaded;
}

Overrides overrides_of(const ExperimentOptions& wanted) {
  Overrides overrides;
  overrides.set = wanted.set;
  overrides.sweep = wanted.sweep;
  if (wanted.seeds) overrides.seeds = seeds_of(*wanted.seeds);
  overrides.presets = {home_folder() + "/w2s/presets"};
  return overrides;
}

}  // namespace

LoadedExperiments load(const Options& options, const ExperimentOptions& wanted) {
  return with_plugins(load_experiments(options.argument("experiment"), overrides_of(wanted)), wanted.plugins);
}

LoadedExperiments load_text(const std::string& text, const std::string& name, const PluginOption& plugins) {
  return with_plugins(parse_experiments(text, name, overrides_of({})), plugins);
}

}  // namespace w2s::app
