// What the tables for readers say, whatever their format: cells, names, facts and remarks as plain text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/leaderboard.hpp"

namespace w2s {

using Cells = std::vector<std::string>;

/// First column left, the others right.
struct Grid {
  Cells header;
  std::vector<Cells> rows;
};

/// The rows of a table of its own: of one block, or of what --by has in common.
using TableRows = std::span<const Row>;
std::vector<TableRows> tables_of(const Leaderboard& board);

Grid main_grid(TableRows rows, const LeaderboardOptions& options);
/// One line for each method and out-of-distribution test set; empty where there is none.
Grid shift_grid(TableRows rows, const LeaderboardOptions& options);

/// What the table is of.
std::string table_name(TableRows rows, const LeaderboardOptions& options);
/// Baselines where the rows share them, and what the score is.
std::string table_facts(TableRows rows, const LeaderboardOptions& options);
/// What the comparisons of a table could have shown; "" where it has none.
std::string detectable_text(TableRows rows);
/// Reasons and notes, each once: with the methods' names where not all have it.
std::vector<std::string> remarks(TableRows rows, const LeaderboardOptions& options);

/// Mean ranks of methods over tasks; "" where there are none.
std::string ranks_text(const Leaderboard& board);
/// A line for each column and number that the tables show.
std::vector<std::string> legend(const Leaderboard& board);

}  // namespace w2s
