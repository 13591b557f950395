// w2s chess puzzles: positions of self-play with one clearly best move, as JSONL.
#include <unordered_set>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "find_puzzles.hpp"
#include "growing_file.hpp"
#include "progress.hpp"
#include "self_play_options.hpp"
#include "values/toml.hpp"

namespace w2s::chess {
namespace {

// Board, side, castling and en passant: the counters do not make another puzzle.
std::string place_of(const std::string& fen) {
  std::size_t end = 0;
  for (int field = 0; field < 4; ++field) end = fen.find(' ', end) + 1;
  return fen.substr(0, end);
}

struct State {
  std::unordered_set<std::string> places;
  std::int64_t puzzles = 0;
  std::int64_t next_game = 0;
};

// Keeps all but what may be unfinished, the last game's puzzles: that game is played again.
State continue_after(GrowingFile& file, const std::string& path) {
  State state;
  std::size_t kept = 0, at = 0;
  std::int64_t game = -1, line = 0, kept_puzzles = 0;
  std::vector<std::string> of_game;
  const std::string& text = file.text();
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const Table row = parse_json(text.substr(at, end - at), path + ":" + std::to_string(++line)).as_table();
    const std::int64_t number = row.at("game").as_int();
    if (number != game) {
      state.places.insert(of_game.begin(), of_game.end());
      of_game.clear();
      kept = at;
      kept_puzzles = state.puzzles;
      game = number;
    }
    of_game.push_back(place_of(row.at("fen").as_string()));
    ++state.puzzles;
  }
  file.cut(kept);
  state.puzzles = kept_puzzles;
  state.next_game = std::max<std::int64_t>(game, 0);
  return state;
}

struct PuzzlesOptions {
  std::int64_t count = 1000, check_nodes = PuzzleSearch().nodes, gap = PuzzleSearch().gap,
               first_ply = PuzzleSearch().first_ply, per_game = PuzzleSearch().per_game;
};
void describe(app::OptionSchema<PuzzlesOptions>& s) {
  using O = PuzzlesOptions;
  s.option("count", &O::count, "N", "puzzles in the file").at_least(1);
  s.option("check-nodes", &O::check_nodes, "N", "of the search that confirms a puzzle").at_least(1);
  s.option("gap", &O::gap, "CP", "centipawns between the best move and the second, at least").in(1, 10'000);
  s.option("first-ply", &O::first_ply, "N", "plies of a game before its first puzzle").in(0, 2000);
  s.option("per-game", &O::per_game, "N", "puzzles of one game, at most").in(1, 2000);
}

}  // namespace

int puzzles(const app::Command& command, const app::Args& args) {
  app::Options options(command, {});
  OutOption out;
  EngineOption player;
  SelfPlayOptions how;
  PuzzlesOptions wanted;
  options.take(out);
  options.take(player);
  options.take(how);
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const SelfPlay play_settings = how.settings();
  if (play_settings.lines < 2) throw UsageError("--lines must be at least 2: the gap lies between two moves");
  PuzzleSearch search;
  search.nodes = wanted.check_nodes;
  search.gap = static_cast<int>(wanted.gap);
  search.first_ply = static_cast<int>(wanted.first_ply);
  search.per_game = static_cast<int>(wanted.per_game);
  const std::string& path = out_of(out);
  const std::int64_t total = wanted.count;

  Engine engine(player.engine);
  Table settings = settings_of(play_settings, engine);
  settings.set("check_nodes", search.nodes);
  settings.set("gap", search.gap);
  settings.set("first_ply", search.first_ply);
  settings.set("per_game", search.per_game);
  GrowingFile file(path, settings);
  State state = continue_after(file, path);
  Progress progress("puzzles", state.puzzles, total);
  for (; state.puzzles < total; ++state.next_game) {
    std::string rows;
    for (const Table& row : find_puzzles(engine, play_settings, search, state.next_game)) {
      if (state.puzzles == total || !state.places.insert(place_of(row.at("fen").as_string())).second)
        continue;
      rows += write_json(row) + "\n";
      ++state.puzzles;
    }
    file.append(rows);
    progress.update(state.puzzles, fmt::format("{} games", state.next_game + 1));
  }
  file.sync();
  fmt::print("{}: {} puzzles\n", path, state.puzzles);
  return 0;
}

}  // namespace w2s::chess
