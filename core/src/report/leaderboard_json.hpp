// The leaderboard as JSON, for scripts and for the page.
#pragma once

#include <nlohmann/json.hpp>

#include "report/leaderboard.hpp"

namespace w2s {

/// A list of rows: task, weak, strong, method, metric, seeds (their number), floor {mean, se}, ceiling {mean,
/// se}, student {mean, se, ci: [lo, hi], bootstrap_ci}, pgr {mean, se, ci, bootstrap_ci, per_seed} or null
/// with pgr_reason, and the rest of Row.
nlohmann::json to_json(const Leaderboard& board);

}  // namespace w2s
