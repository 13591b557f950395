// Markdown, as GitHub reads it.
#include <fmt/format.h>

#include "report/tables/format.hpp"
#include "report/tables/table_text.hpp"

namespace w2s {
namespace {

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_grid(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text = "|";
    for (const auto& cell : cells) text += ' ' + markdown_cell(cell) + " |";
    return text + '\n';
  };
  std::string text = line(grid.header) + "|:--|";
  for (std::size_t c = 1; c < grid.header.size(); ++c) text += "--:|";
  text += '\n';
  for (const Cells& row : grid.rows) text += line(row);
  return text;
}

std::string markdown(const Leaderboard& board, const TableStyle&) {
  std::string text;
  for (const TableRows block : tables_of(board)) {
    text += fmt::format("### {}\n\n{}\n\n", markdown_cell(table_name(block, board.options)),
                        markdown_cell(table_facts(block, board.options)));
    text += markdown_grid(main_grid(block, board.options)) + '\n';
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += markdown_grid(shifts) + '\n';
    if (const std::string detectable = detectable_text(block); !detectable.empty())
      text += fmt::format("- {}\n", markdown_cell(detectable));
    for (const auto& remark : remarks(block, board.options))
      text += fmt::format("- {}\n", markdown_cell(remark));
    text += '\n';
  }
  if (const std::string ranks = ranks_text(board); !ranks.empty()) text += markdown_cell(ranks) + "\n\n";
  for (const auto& line : legend(board)) text += fmt::format("- {}\n", markdown_cell(line));
  return text;
}

}  // namespace

const TableFormat markdown_format{"markdown", markdown};

}  // namespace w2s
