// Sets of squares as 64 bits, and what pieces attack on them. Square = 8 · rank + file, a1 = 0, h8 = 63.
// Sliding attacks are "hyperbola quintessence": o ^ (o − 2r) along a line, both ways.
#pragma once

#include <bit>
#include <cstdint>

namespace w2s::chess {

using Bits = std::uint64_t;
using Square = int;

enum Color : int { white, black };
enum Piece : int { pawn, knight, bishop, rook, queen, king, no_piece };

constexpr Bits bit(Square square) { return Bits{1} << square; }
constexpr int file_of(Square square) { return square & 7; }
constexpr int rank_of(Square square) { return square >> 3; }
constexpr Color other(Color color) { return color == white ? black : white; }
inline Square first(Bits bits) { return std::countr_zero(bits); }
inline int count(Bits bits) { return std::popcount(bits); }
/// Removes the lowest square and gives it.
inline Square pop(Bits& bits) {
  const Square square = first(bits);
  bits &= bits - 1;
  return square;
}

/// Squares that a piece on `square` attacks; `occupied` stops bishops, rooks and queens.
Bits pawn_attacks(Color color, Square square);
Bits knight_attacks(Square square);
Bits king_attacks(Square square);
Bits bishop_attacks(Square square, Bits occupied);
Bits rook_attacks(Square square, Bits occupied);

/// The squares strictly between two squares of a rank, file or diagonal; none where they share no line.
Bits between(Square a, Square b);
/// The whole rank, file or diagonal through both; none where they share no line.
Bits line_through(Square a, Square b);

}  // namespace w2s::chess
