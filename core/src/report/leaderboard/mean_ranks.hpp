// Ranks of methods over tasks.
#pragma once

#include <vector>

#include "report/leaderboard.hpp"

namespace w2s {

/// Leaderboard::ranks of all rows.
std::vector<MeanRank> mean_ranks(const std::vector<Row>& rows);

}  // namespace w2s
