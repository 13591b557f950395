// Validation: an experiment against the plugins that exist, before any data is read
// beyond the check that its files are there.
#pragma once

#include <vector>

#include "config/experiment.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// Fills in every default of every plugin and makes its paths absolute, so that the experiment, written
/// out, runs anywhere to the same numbers. Throws UsageError for what does not exist or is out of range.
void resolve_plugins(Experiment& experiment, const Registry& registry);

/// Makes every plugin object once and asks it whether it can serve this task: unknown names, parameters
/// out of range, losses for another number of classes, ladders of models that do not exist, missing files.
/// Throws UsageError at the first mistake.
void validate(const Experiment& experiment, const Registry& registry);

}  // namespace w2s
