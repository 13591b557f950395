// Whether a record from elsewhere is one, and its numbers are those of its predictions.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace w2s {

/// Throws Error where the manifest is no record's, a file of predictions is malformed, or a measure or the
/// correctness of an example differs from what the predictions and labels of `folder` give.
/// False where the record keeps no predictions to compute from.
bool check_record(const nlohmann::json& manifest, const std::string& folder);

}  // namespace w2s
