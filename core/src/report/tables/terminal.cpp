// For a terminal: within a width, floor and ceiling of each table above its methods, a legend below all.
#include <algorithm>

#include <fmt/format.h>

#include "base/display_width.hpp"
#include "report/tables/format.hpp"
#include "report/tables/table_text.hpp"

namespace w2s {
namespace {

/// Breaks at spaces; lines after the first are indented by two more columns.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out, line(indent, ' ');
  bool has_word = false;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    start = end + 1;
    if (has_word && display_width(line) + 1 + display_width(word) > width) {
      out += line + '\n';
      line.assign(indent + 2, ' ');
      has_word = false;
    }
    if (has_word) line += ' ';
    line += word;
    has_word = true;
  }
  return out + line + '\n';
}

std::string text_grid(const Grid& grid, std::size_t width) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < grid.header.size(); ++c) {
    widths.push_back(display_width(grid.header[c]));
    for (const Cells& row : grid.rows) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::size_t others = 2;
  for (std::size_t c = 1; c < widths.size(); ++c) others += widths[c] + 2;
  widths[0] = std::min(widths[0], width > others + 8 ? width - others : 8);
  const auto line = [&](const Cells& cells) {
    std::string text;
    const bool fits = display_width(cells[0]) <= widths[0];  // else it has a line of its own
    if (!fits) text += "  " + fit_left(cells[0], std::min(width - 2, display_width(cells[0]))) + '\n';
    text += "  " + fit_left(fits ? cells[0] : "", widths[0]);
    for (std::size_t c = 1; c < cells.size(); ++c) text += "  " + fit_right(cells[c], widths[c]);
    return text + '\n';
  };
  std::string text = line(grid.header);
  for (const Cells& row : grid.rows) text += line(row);
  return text;
}

std::string terminal(const Leaderboard& board, const TableStyle& style) {
  const std::size_t width = std::max<std::size_t>(style.width, 80);
  const auto styled = [&](const char* code, const std::string& line) {  // ends within its line
    if (!style.colour) return line;
    const std::size_t end = line.ends_with('\n') ? line.size() - 1 : line.size();
    return fmt::format("\x1b[{}m{}\x1b[0m{}", code, line.substr(0, end), line.substr(end));
  };
  std::string text;
  for (const TableRows block : tables_of(board)) {
    text += styled("1", wrapped(table_name(block, board.options), 0, width));
    text += wrapped(table_facts(block, board.options), 2, width) + '\n';
    text += text_grid(main_grid(block, board.options), width);
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += '\n' + text_grid(shifts, width);
    if (const std::string detectable = detectable_text(block); !detectable.empty())
      text += styled("2", wrapped(detectable, 2, width));
    for (const auto& remark : remarks(block, board.options)) text += wrapped("! " + remark, 2, width);
    text += '\n';
  }
  if (board.rows.empty()) return "no finished students\n";
  if (const std::string ranks = ranks_text(board); !ranks.empty()) text += wrapped(ranks, 0, width) + '\n';
  std::string explained;
  for (const auto& line : legend(board)) explained += wrapped(line, 0, width);
  return text + styled("2", explained);
}

}  // namespace

const TableFormat terminal_format{"table", terminal};

}  // namespace w2s
