// What differs between two records that bear the same names. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace w2s {

/// Settings of the resolved experiments ("task.split.supervisor = 4000, not 5000"), in `parts` of them
/// ("task", "methods.gce"), then plugins' code, engine, LibTorch and device: the first provenance's first.
/// Names of tables and the paths of files do not count. Empty where nothing differs that is kept.
std::vector<std::string> differences(const nlohmann::json& provenance, const nlohmann::json& other,
                                     const std::vector<std::string>& parts);

/// At most three of them in a sentence; what is left is counted.
std::string differences_text(const std::vector<std::string>& differences);

}  // namespace w2s
