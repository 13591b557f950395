// Rows: the numbers of each method of a block.
#pragma once

#include <vector>

#include "report/leaderboard/blocks.hpp"
#include "report/leaderboard/score_reader.hpp"

namespace w2s {

/// One row for each method that has a score on the main test set, with its rank; none where a baseline's
/// column is missing there. Row::block and p_holm are left to the caller.
std::vector<Row> rows_of(const Block& block, const Selection& selection, const ScoreReader& scores);

}  // namespace w2s
