// w2s-chess, also "w2s chess": makes chess data with a UCI engine.
#include <iostream>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "commands.hpp"

namespace w2s::chess {
namespace {

constexpr app::Command kCommands[] = {
    {"chess games", "--out GAMES.pgn", "let an engine play against itself: games to pretrain on", games},
    {"chess puzzles", "--out PUZZLES.jsonl", "find positions with one clearly best move in such games",
     puzzles},
    {"chess pairs", "PUZZLES.jsonl --out PAIRS.jsonl", "a better and a worse move for each puzzle", pairs},
    {"chess movetext", "GAMES.pgn… --out GAMES.txt", "the moves of games, one game a line", movetext},
    {"chess check", "PUZZLES.jsonl", "examine every puzzle again", check},
    {"chess perft", "DEPTH [--fen FEN]", "count the lines of legal moves", perft_command},
};

int dispatch(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty() || name == "--help" || name == "-h" || name == "help") {
    std::cout << "w2s chess: games, puzzles and pairs of moves, made with a chess engine\n\n"
                 "usage: w2s chess COMMAND [arguments]\n\n";
    for (const app::Command& command : kCommands) {
      fmt::print("  {:<12} {}\n", std::string_view(command.name).substr(6), command.summary);
    }
    std::cout << "\nw2s chess COMMAND --help shows a command's options.\n";
    return name.empty() ? 2 : 0;
  }
  std::vector<std::string> names;
  for (const app::Command& command : kCommands) {
    names.push_back(std::string(command.name).substr(6));
    if (names.back() == name) return command.run(command, app::Args(argv + 2, argv + argc));
  }
  throw UsageError("chess: unknown command '" + name + "'" + did_you_mean(name, names) +
                   "; see w2s chess --help");
}

}  // namespace
}  // namespace w2s::chess

int main(int argc, char** argv) {
  return w2s::app::guarded_main([&] { return w2s::chess::dispatch(argc, argv); });
}
