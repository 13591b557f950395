// Changes: open jobs whose results the store holds under another recipe, and what has changed since.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace w2s {

/// What two recipes, with the recipes that they refer to, do not have in common: "code.engine",
/// "train.lr: 0.1 → 0.2", "parts of another form" for a store of an older format.
std::vector<std::string> recipe_changes(const nlohmann::json& before, const nlohmann::json& now);

/// Of the open jobs those that an experiment of this name had computed before under the same names and seed:
/// how many there are for each list of changes, joined by ", ". Their old records stay where they are. Sweeps
/// are left out.
std::map<std::string, std::size_t> computed_anew(const Plan& plan, const Store& store);

}  // namespace w2s
