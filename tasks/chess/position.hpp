// A chess position: pieces, side to move, castling rights, en passant square, the two counters; and FEN.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bitboard.hpp"

namespace w2s::chess {

/// From one square to another; castling is the king's move. `promotion` is no_piece or what a pawn becomes.
struct Move {
  std::uint8_t from, to, promotion;
  friend bool operator==(const Move&, const Move&) = default;
};

/// "e2e4", "e7e8q": as engines write moves.
std::string uci(const Move& move);

class Position {
 public:
  /// The initial position.
  Position();
  /// Reads FEN: six fields, or four (the counters are then 0 and 1). Throws UsageError that says which field
  /// is wrong: a board that is no board, a side without exactly one king, pawns on the first or last rank,
  /// the side that is not to move in check, castling rights without king and rook at home, an en passant
  /// square that no pawn has just passed.
  static Position from_fen(std::string_view fen);
  /// The en passant square is written after every double step of a pawn, as the FEN standard has it.
  std::string fen() const;

  Color to_move() const { return to_move_; }
  Piece piece_on(Square square) const { return static_cast<Piece>(board_[static_cast<std::size_t>(square)]); }
  bool has(Color color, Square square) const { return (colors_[color] & bit(square)) != 0; }
  Bits pieces(Color color) const { return colors_[color]; }
  Bits pieces(Color color, Piece piece) const { return colors_[color] & kinds_[piece]; }
  Bits occupied() const { return colors_[white] | colors_[black]; }
  Square king_square(Color color) const { return first(pieces(color, king)); }
  /// The square that a pawn has just passed, or −1.
  Square en_passant() const { return en_passant_; }
  bool may_castle(Color color, bool king_side) const { return castling_ >> (2 * color + !king_side) & 1; }
  int halfmove_clock() const { return halfmoves_; }
  int move_number() const { return number_; }

  /// Pieces of `color` that attack the square, for these occupied squares.
  Bits attackers(Color color, Square square, Bits occupied) const;
  bool in_check() const { return attackers(other(to_move_), king_square(to_move_), occupied()) != 0; }

  /// The position after a legal move.
  Position after(const Move& move) const;

  /// Equal boards, sides, rights and en passant squares: the counters do not matter.
  friend bool operator==(const Position& a, const Position& b);

 private:
  struct Empty {};
  explicit Position(Empty);
  void put(Color color, Piece piece, Square square);
  void clear(Square square);
  void check() const;

  std::array<std::uint8_t, 64> board_{};
  Bits colors_[2] = {0, 0}, kinds_[6] = {0, 0, 0, 0, 0, 0};
  Color to_move_ = white;
  int castling_ = 0;  // bits: K Q k q
  Square en_passant_ = -1;
  int halfmoves_ = 0, number_ = 1;
};

/// "e4"; throws UsageError for anything else.
Square square_of(std::string_view name);
std::string name_of(Square square);
/// "NBRQK" for pieces, "P" for pawns.
char letter_of(Piece piece);

}  // namespace w2s::chess
