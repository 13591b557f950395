// A chess engine that speaks UCI, as a child process: one thread, a small hash table, searches bounded by
// nodes. With a cleared hash table such a search gives the same result every time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "position.hpp"

namespace w2s::chess {

/// From the side to move: centipawns, or the number of moves to mate (negative: it is mated).
struct Score {
  int value = 0;
  bool mate = false;
  /// For comparison: mates lie beyond all others.
  int order() const { return !mate ? value : value > 0 ? 100000 - value : -100000 - value; }
};

struct Line {
  std::string move;  ///< the first one, UCI
  Score score;
};

struct Analysis {
  std::vector<Line> lines;                 ///< best first, of the deepest finished depth
  int depth = 0;                           ///< of these lines
  std::vector<std::string> best_by_depth;  ///< [depth − 1] the best move at each finished depth
};

class Engine {
 public:
  /// Starts the program (looked up in PATH and /usr/games). Throws UsageError where there is none.
  explicit Engine(const std::string& program);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// As it names itself: "Stockfish 15.1".
  const std::string& name() const { return name_; }
  /// Forgets all positions.
  void new_game();
  /// The best `lines` moves. Throws Error where the engine ends or there is no legal move.
  Analysis analyse(const Position& position, int lines, std::int64_t nodes);
  /// The engine's own count of lines of legal moves.
  std::uint64_t perft(const Position& position, int depth);

 private:
  void send(const std::string& command);
  std::string receive();
  void wait_for(const std::string& answer);

  pid_t child_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
  std::string name_;
  int lines_ = 0;
};

}  // namespace w2s::chess
