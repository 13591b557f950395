// The order of a leaderboard's rows.
#pragma once

#include <vector>

#include "report/leaderboard/selection.hpp"

namespace w2s {

/// By LeaderboardOptions::sort within their block, or all together where tables are made by other fields.
void sort_rows(std::vector<Row>& rows, const LeaderboardOptions& options);

/// Fills Row::group and puts rows of one group together, groups in the order of their first blocks.
void group_rows(std::vector<Row>& rows, const Selection& selection);

}  // namespace w2s
