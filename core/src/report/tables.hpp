// The leaderboard as text: for a terminal, Markdown, CSV, JSON and LaTeX.
//
// The terminal table keeps within a width, prints each block's floor and ceiling
// above its methods, and ends with a legend of its columns. CSV has one line a row and test
// set, numbers in full precision, and empty fields for what is undefined. LaTeX
// needs no package. Free of LibTorch.
#pragma once

#include <string>

#include "report/leaderboard.hpp"

namespace w2s {

enum class TableFormat { table, markdown, csv, json, latex };

/// "table", "markdown", "csv", "json" or "latex"; throws UsageError for another name.
TableFormat table_format(const std::string& name);

struct TableStyle {
  std::size_t width = 100;  // columns of the terminal; at least 80 are used
  bool colour = false;      // ANSI bold and dim, of the terminal table only
};

std::string format_leaderboard(const Leaderboard& board, TableFormat format, const TableStyle& style = {});

}  // namespace w2s
