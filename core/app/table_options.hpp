// The options of commands that show a leaderboard: what to show, of which stores.
#pragma once

#include "options.hpp"
#include "report/leaderboard.hpp"

namespace w2s::app {

/// --runs, --metric, --test, --baseline, filters.
void add_table_options(Options& options);
LeaderboardOptions table_options(const Options& options);
/// To stderr, where there are any.
void say_missing(std::size_t missing);

}  // namespace w2s::app
