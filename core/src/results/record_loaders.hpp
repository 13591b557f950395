// What a record keeps elsewhere, as those who read records are given it: nothing is opened before it is asked
// for. Free of LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "results/record.hpp"

namespace w2s {

/// 0/1 correctness of a record's predictions on a test set, in the set's order; empty where not kept. Called
/// from several threads at once.
using LoadCorrectness =
    std::function<std::vector<std::uint8_t>(const Record& record, const std::string& test)>;

/// provenance of a record, whole; the record's own where nothing is kept elsewhere. Called from several
/// threads at once.
using LoadProvenance = std::function<nlohmann::json(const Record& record)>;

}  // namespace w2s
