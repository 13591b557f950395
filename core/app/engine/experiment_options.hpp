// What run, plan and validate share: an experiment file with overrides, and its plugins.
#pragma once

#include <optional>
#include <vector>

#include "config/experiment.hpp"
#include "plugin_option.hpp"

namespace w2s::app {

/// --set, --sweep, --seeds and --plugin.
struct ExperimentOptions {
  std::vector<std::string> set, sweep;
  std::optional<std::string> seeds;
  PluginOption plugins;
};
/// Takes them; the experiment's file is the argument "experiment".
void take(Options& options, ExperimentOptions& wanted);

struct LoadedExperiments {
  std::vector<Experiment> experiments;  // one a point of the sweep
  Registry registry;
};

LoadedExperiments load(const Options& options, const ExperimentOptions& wanted);
/// An experiment that was written out; `name` stands for its file in messages.
LoadedExperiments load_text(const std::string& text, const std::string& name, const PluginOption& plugins);

}  // namespace w2s::app
