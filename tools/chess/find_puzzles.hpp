// Puzzles from self-play: positions with one move that is clearly best.
//
// A position is a candidate where the search that chose the game's move already sees the gap; it is a puzzle
// where a search with more nodes, from a cleared hash table, agrees on the move and on the gap.
// The gap compares scores cut to ±1,000 centipawns, and mates at ±1,500: a move that wins a second queen is
// no puzzle, a mate beside a mere win is one.
#pragma once

#include <w2s/value.hpp>

#include "self_play.hpp"

namespace w2s::chess {

struct PuzzleSearch {
  std::int64_t nodes = 20000;  ///< of the check
  int gap = 200;               ///< centipawns between the best and the second-best move, at least
  int first_ply = 8;           ///< plies of a game before its first puzzle
  int per_game = 2;            ///< puzzles of a game, at most
};

/// Centipawns between the two, cut as above.
int gap_between(const Score& best, const Score& second);

/// The check of one position: what a puzzle's evaluation fields are made from.
struct Verdict {
  Analysis analysis;
  int gap = 0;
  /// The least depth from which on the engine's best move is the final one: how hard it is to find.
  int found_at = 0;
};
Verdict examine(Engine& engine, const Position& position, std::int64_t nodes);

/// The puzzles of game `number`, as rows of the puzzle file: game, ply, moves, fen, answer, uci, second,
/// score, second_score (of the side to move: centipawns, or "#3"), gap, mate (moves, null where there is
/// none), depth, nodes, difficulty (found_at).
std::vector<Table> find_puzzles(Engine& engine, const SelfPlay& play, const PuzzleSearch& search,
                                std::int64_t number);

}  // namespace w2s::chess
