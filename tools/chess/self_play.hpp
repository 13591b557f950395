// Games that an engine plays against itself, drawn so that no two are alike: move by move the engine names
// its best few moves at a fixed number of nodes, and one of them is drawn, better ones more often; now and
// then any legal move is played instead, which leaves the other side something to find.
// A game depends on the seed, its number and the settings alone.
#pragma once

#include <functional>
#include <random>

#include "engine.hpp"
#include "pgn.hpp"

namespace w2s::chess {

struct SelfPlay {
  std::uint64_t seed = 0;
  std::int64_t nodes = 200;  ///< a move
  int lines = 3;             ///< moves that are drawn from
  double temperature = 40;   ///< centipawns: weight exp((score − best score) / temperature)
  double blunders = 0.06;    ///< chance of any legal move
  int plies = 48;            ///< a game is cut off here, result "*"
};

/// What the engine thought before each move of a game.
using Watcher = std::function<void(const Position&, const std::vector<Move>&, const Analysis&)>;

/// Game `number`. The watcher may search with the engine itself: it forgets everything after a call that did.
PgnGame play(Engine& engine, const SelfPlay& settings, std::int64_t number, const Watcher& watch = {});

/// Uniform in [0, 1), the same with every standard library.
double uniform(std::mt19937_64& bits);

/// The game as PGN, ended by an empty line.
std::string pgn_text(const PgnGame& game);

}  // namespace w2s::chess
