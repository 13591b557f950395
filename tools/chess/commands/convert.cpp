// w2s chess pairs, movetext, check and perft: from files that are there.
#include <fmt/format.h>

#include <w2s/data_file.hpp>
#include <w2s/error.hpp>

#include "base/files.hpp"
#include "find_puzzles.hpp"
#include "progress.hpp"
#include "self_play_options.hpp"
#include "values/toml.hpp"

namespace w2s::chess {
namespace {

using app::po::value;

std::vector<Table> rows_of(const std::string& path) {
  const std::string text = read_data_file(path);
  std::vector<Table> rows;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    rows.push_back(
        parse_json(text.substr(at, end - at), path + ":" + std::to_string(rows.size() + 1)).as_table());
    at = end + 1;
  }
  return rows;
}

LineStyle style_of(const std::string& name) {
  if (name == "moves") return LineStyle::moves;
  if (name == "pgn") return LineStyle::pgn;
  if (name == "paper") return LineStyle::paper;
  throw UsageError("--style is '" + name + "', expected " + one_of_list({"moves", "pgn", "paper"}) +
                   did_you_mean(name, {"moves", "pgn", "paper"}));
}

// The moves of a row of the puzzle file, and the position after them.
std::vector<Move> moves_of(const Table& row, Position& position) {
  std::vector<Move> moves;
  const std::string& text = row.at("moves").as_string();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    moves.push_back(parse_san(position, std::string_view(text).substr(at, end - at)));
    position = position.after(moves.back());
    at = end + 1;
  }
  return moves;
}

}  // namespace

int pairs(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"puzzles"});
  options.add()("out", value<std::string>()->value_name("FILE"), "rows of prompt, chosen, rejected")(
      "style", value<std::string>()->value_name("STYLE")->default_value("moves"),
      "of the prompt: moves (d4 Nf6 c4), pgn (1. d4 Nf6 2. c4) or paper (1. d4 1... Nf6 2. c4)");
  if (!options.parse(args)) return 0;
  const std::string path = options.required("puzzles");
  const LineStyle style = style_of(options.text("style"));
  std::string made;
  std::int64_t count = 0;
  for (const Table& row : rows_of(path)) {
    Position position;
    made += write_json(Table{{"prompt", prompt_text(Position(), moves_of(row, position), style)},
                             {"chosen", " " + row.at("answer").as_string()},
                             {"rejected", " " + row.at("second").as_string()},
                             {"gap", row.at("gap")},
                             {"game", row.at("game")}}) +
            "\n";
    ++count;
  }
  write_file_atomically(out_of(options), made);
  fmt::print("{}: {} pairs\n", options.text("out"), count);
  return 0;
}

int movetext(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"games"});
  options.add()("out", value<std::string>()->value_name("FILE"), "text, one game a line")(
      "style", value<std::string>()->value_name("STYLE")->default_value("moves"),
      "moves (d4 Nf6 c4), pgn (1. d4 Nf6 2. c4) or paper (1. d4 1... Nf6 2. c4)");
  if (!options.parse(args)) return 0;
  const std::vector<std::string> paths = options.list("games");
  if (paths.empty()) throw UsageError("chess movetext needs PGN files; see w2s chess movetext --help");
  const LineStyle style = style_of(options.text("style"));
  std::string text;
  std::int64_t count = 0;
  for (const std::string& path : paths) {
    PgnReader reader(path);
    for (PgnGame game; reader.next(game); ++count) {
      if (!game.moves.empty()) text += line_text(game.start, game.moves, style) + "\n";
    }
  }
  write_file_atomically(out_of(options), text);
  fmt::print("{}: {} games\n", options.text("out"), count);
  return 0;
}

int check(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"puzzles"});
  options.add()("engine", value<std::string>()->value_name("PROGRAM")->default_value("stockfish"),
                "a UCI engine")("nodes", value<std::int64_t>()->value_name("N")->default_value(0),
                                "of the search; 0: as the puzzle was found");
  if (!options.parse(args)) return 0;
  const std::string path = options.required("puzzles");
  const std::int64_t nodes = count_of(options, "nodes", 0);
  Engine engine(options.text("engine"));
  const std::vector<Table> rows = rows_of(path);
  Progress progress("puzzles", 0, static_cast<std::int64_t>(rows.size()));
  std::int64_t line = 0, same_move = 0, same_gap = 0;
  for (const Table& row : rows) {
    Position position;
    moves_of(row, position);
    const std::string where = path + ":" + std::to_string(++line) + ": ";
    if (position.fen() != row.at("fen").as_string())
      throw UsageError(where + "the moves do not lead to the FEN");
    const std::string& uci_move = row.at("uci").as_string();
    if (san(position, parse_uci(position, uci_move)) != row.at("answer").as_string())
      throw UsageError(where + "answer and uci are not the same move");
    const Verdict verdict = examine(engine, position, nodes > 0 ? nodes : row.at("nodes").as_int());
    same_move += verdict.analysis.lines[0].move == uci_move;
    same_gap += verdict.gap == row.at("gap").as_int();
    progress.update(line);
  }
  fmt::print("{}: {} puzzles, all legal; {} with the same best move, {} with the same gap\n", path, line,
             same_move, same_gap);
  return same_move == line ? 0 : 1;
}

int perft_command(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"depth"});
  options.add()("fen", value<std::string>()->value_name("FEN")->default_value(Position().fen()),
                "the position");
  if (!options.parse(args)) return 0;
  const std::string depth = options.required("depth");
  if (depth.size() != 1 || depth[0] < '0' || depth[0] > '9')
    throw UsageError("the depth is '" + depth + "', expected 0 to 9");
  fmt::print("{}\n", perft(Position::from_fen(options.text("fen")), depth[0] - '0'));
  return 0;
}

}  // namespace w2s::chess
