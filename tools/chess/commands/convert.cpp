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

struct CheckOptions {
  std::int64_t nodes = 0;
};
void describe(app::OptionSchema<CheckOptions>& s) {
  s.option("nodes", &CheckOptions::nodes, "N", "of the search; 0: as the puzzle was found").at_least(0);
}

struct PerftOptions {
  std::string fen = Position().fen();
};
void describe(app::OptionSchema<PerftOptions>& s) {
  s.option("fen", &PerftOptions::fen, "FEN", "the position");
}

}  // namespace

int pairs(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"puzzles"});
  OutOption out;
  StyleOption written;
  options.take(out);
  options.take(written);
  if (!options.parse(args)) return 0;
  const std::string& path = options.argument("puzzles");
  std::string made;
  std::int64_t count = 0;
  for (const Table& row : rows_of(path)) {
    Position position;
    made += write_json(Table{{"prompt", prompt_text(Position(), moves_of(row, position), written.style)},
                             {"chosen", " " + row.at("answer").as_string()},
                             {"rejected", " " + row.at("second").as_string()},
                             {"gap", row.at("gap")},
                             {"game", row.at("game")}}) +
            "\n";
    ++count;
  }
  write_file_atomically(out_of(out), made);
  fmt::print("{}: {} pairs\n", out.out, count);
  return 0;
}

int movetext(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"games"});
  OutOption out;
  StyleOption written;
  options.take(out);
  options.take(written);
  if (!options.parse(args)) return 0;
  const std::vector<std::string>& paths = options.arguments("games");
  if (paths.empty()) throw UsageError("chess movetext needs PGN files; see w2s chess movetext --help");
  std::string text;
  std::int64_t count = 0;
  for (const std::string& path : paths) {
    PgnReader reader(path);
    for (PgnGame game; reader.next(game); ++count) {
      if (!game.moves.empty()) text += line_text(game.start, game.moves, written.style) + "\n";
    }
  }
  write_file_atomically(out_of(out), text);
  fmt::print("{}: {} games\n", out.out, count);
  return 0;
}

int check(const app::Command& command, const app::Args& args) {
  app::Options options(command, {"puzzles"});
  EngineOption player;
  CheckOptions wanted;
  options.take(player);
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const std::string& path = options.argument("puzzles");
  Engine engine(player.engine);
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
    const Verdict verdict =
        examine(engine, position, wanted.nodes > 0 ? wanted.nodes : row.at("nodes").as_int());
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
  PerftOptions wanted;
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const std::string& depth = options.argument("depth");
  if (depth.size() != 1 || depth[0] < '0' || depth[0] > '9')
    throw UsageError("the depth is '" + depth + "', expected 0 to 9");
  fmt::print("{}\n", perft(Position::from_fen(wanted.fen), depth[0] - '0'));
  return 0;
}

}  // namespace w2s::chess
