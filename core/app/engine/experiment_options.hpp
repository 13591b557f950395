// What run, plan and validate share: an experiment file with overrides, and its plugins.
#pragma once

#include <vector>

#include "../options.hpp"
#include "plugins/registry.hpp"

namespace w2s::app {

struct LoadedExperiments {
  std::vector<Experiment> experiments;  // one a point of the sweep
  Registry registry;
};

/// --set, --sweep, --seeds and --plugin.
void add_experiment_options(Options& options);
LoadedExperiments load(const Options& options);
/// An experiment that was written out; `name` stands for its file in messages. Takes --plugin only.
LoadedExperiments load_text(const std::string& text, const std::string& name, const Options& options);

}  // namespace w2s::app
