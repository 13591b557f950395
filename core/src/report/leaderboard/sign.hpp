// Measures of which less is better are negated for the statistics, and turned back for the reader.
#pragma once

#include "report/leaderboard.hpp"

namespace w2s {

/// Turns the row's scores, differences and reasons; PGR is the same either way.
void restore_sign(Row& row);

}  // namespace w2s
