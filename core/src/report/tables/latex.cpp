// LaTeX, which needs no package.
#include <map>

#include <fmt/format.h>

#include "report/tables/format.hpp"
#include "report/tables/table_text.hpp"

namespace w2s {
namespace {

std::string latex_escaped(const std::string& text) {
  static const std::map<char, const char*> special = {{'&', "\\&"},
                                                      {'%', "\\%"},
                                                      {'$', "\\$"},
                                                      {'#', "\\#"},
                                                      {'_', "\\_"},
                                                      {'{', "\\{"},
                                                      {'}', "\\}"},
                                                      {'~', "\\textasciitilde{}"},
                                                      {'^', "\\textasciicircum{}"},
                                                      {'\\', "\\textbackslash{}"},
                                                      {'<', "\\textless{}"},
                                                      {'>', "\\textgreater{}"}};
  std::string out;
  for (const char c : text) {
    const auto it = special.find(c);
    it == special.end() ? out += c : out += it->second;
  }
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"→", "$\\to$"},
                                 {"±", "$\\pm$"},
                                 {"−", "$-$"},
                                 {"–", "--"},
                                 {"·", "$\\cdot$"},
                                 {"…", "\\ldots{}"}})
    for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size()))
      out.replace(at, from.size(), to);
  return out;
}

std::string latex_grid(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text;
    for (const auto& cell : cells) text += (text.empty() ? "" : " & ") + latex_escaped(cell);
    return text + " \\\\\n";
  };
  std::string text =
      fmt::format("\\begin{{tabular}}{{l{}}}\n\\hline\n", std::string(grid.header.size() - 1, 'r'));
  text += line(grid.header) + "\\hline\n";
  for (const Cells& row : grid.rows) text += line(row);
  return text + "\\hline\n\\end{tabular}\n";
}

std::string latex(const Leaderboard& board, const TableStyle&) {
  std::string text;
  for (const TableRows block : tables_of(board)) {
    text += fmt::format("\\begin{{table}}\n\\caption{{{}. {}.}}\n",
                        latex_escaped(table_name(block, board.options)),
                        latex_escaped(table_facts(block, board.options)));
    text += latex_grid(main_grid(block, board.options));
    if (const Grid shifts = shift_grid(block, board.options); !shifts.rows.empty())
      text += "\n\\medskip\n" + latex_grid(shifts);
    for (const auto& remark : remarks(block, board.options))
      text += fmt::format("\n{{\\footnotesize {}}}\n", latex_escaped(remark));
    text += "\\end{table}\n\n";
  }
  for (const auto& line : legend(board)) text += "% " + line + '\n';
  return text;
}

}  // namespace

const TableFormat latex_format{"latex", latex};

}  // namespace w2s
