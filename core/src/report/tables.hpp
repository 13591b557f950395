// The leaderboard as text: for a terminal, Markdown, CSV, JSON and LaTeX.
//
// A format is a file of tables/; what all of them say is in tables/table_text.hpp. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "report/leaderboard.hpp"

namespace w2s {

struct TableStyle {
  std::size_t width = 100;  // columns of the terminal; at least 80 are used
  bool colour = false;      // ANSI bold and dim, of the terminal table only
};

struct TableFormat {
  const char* name;
  std::string (*write)(const Leaderboard& board, const TableStyle& style);
  bool shows_bootstrap = false;  // the others need no replicates
};

/// Names of the formats: "table", "markdown", "csv", "json", "latex".
std::vector<std::string> table_format_names();

/// Throws UsageError for a name that is none of them.
const TableFormat& table_format(const std::string& name);

}  // namespace w2s
