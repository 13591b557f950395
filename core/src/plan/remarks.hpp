// Remarks: what an experiment may say and yet hardly means, found before anything is computed.
#pragma once

#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// A sentence for each: methods whose loss takes statistics of the batch, with batches of few rows. The
/// experiment is valid.
std::vector<std::string> remarks(const Experiment& experiment, const Registry& registry);

}  // namespace w2s
