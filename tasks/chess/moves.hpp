// The legal moves of a position, and perft: the number of lines of legal moves of a given length.
#pragma once

#include <cstddef>

#include "position.hpp"

namespace w2s::chess {

/// Up to 256 moves without memory of their own: no position has more than 218.
class MoveList {
 public:
  void add(const Move& move) { moves_[size_++] = move; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Move* begin() const { return moves_; }
  const Move* end() const { return moves_ + size_; }
  const Move& operator[](std::size_t i) const { return moves_[i]; }

 private:
  Move moves_[256];
  std::size_t size_ = 0;
};

/// All of them, in an order that depends on the position alone.
MoveList legal_moves(const Position& position);

bool is_checkmate(const Position& position);

/// Leaves of the tree of legal moves at `depth`; the last moves are counted, not made.
std::uint64_t perft(const Position& position, int depth);

}  // namespace w2s::chess
