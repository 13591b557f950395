// The options of commands that show a leaderboard: what to show, of which stores.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "report/leaderboard.hpp"

namespace w2s::app {

/// --runs, --metric, --test, --baseline, filters.
struct TableOptions {
  StoresOption stores;
  std::string metric = "accuracy", test = "test", baseline;
  std::vector<std::string> method, task, weak, strong, pair, where, origin;
  std::optional<std::string> seeds;
};
/// Takes them.
void take(Options& options, TableOptions& wanted);
LeaderboardOptions table_options(const TableOptions& wanted);
/// To stderr, where there are any.
void say_missing(std::size_t missing);

}  // namespace w2s::app
