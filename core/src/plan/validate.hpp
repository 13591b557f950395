// Validation: an experiment against the plugins that exist, before any data is read
// beyond the check that its files are there.
#pragma once

#include <vector>

#include "config/experiment.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// Makes every plugin object once and asks it whether it can serve this task: unknown names, parameters
/// out of range, losses for another number of classes, ladders of models that do not exist, missing files.
/// Throws UsageError at the first mistake.
void validate(const Experiment& experiment, const Registry& registry);

}  // namespace w2s
