#include "moves.hpp"

namespace w2s::chess {
namespace {

// Makes the legal moves directly: checks and pins restrict where each piece may go.
class Generator {
 public:
  Generator(const Position& position, MoveList& moves)
      : position_(position),
        us_(position.to_move()),
        them_(other(us_)),
        king_(position.king_square(us_)),
        occupied_(position.occupied()),
        checkers_(position.attackers(them_, king_, occupied_)),
        moves_(moves) {}

  void run() {
    king_moves();
    if (count(checkers_) > 1) return;
    allowed_ = ~position_.pieces(us_);
    if (checkers_) allowed_ &= checkers_ | between(king_, first(checkers_));
    pinned_ = pinned();
    for (const Piece piece : {knight, bishop, rook, queen}) {
      for (Bits from = position_.pieces(us_, piece); from;) officer_moves(piece, pop(from));
    }
    for (Bits from = position_.pieces(us_, pawn); from;) pawn_moves(pop(from));
    if (!checkers_) castling();
  }

 private:
  // Our pieces that alone stand between our king and an attacker.
  Bits pinned() const {
    const Bits queens = position_.pieces(them_, queen);
    Bits snipers = (rook_attacks(king_, 0) & (position_.pieces(them_, rook) | queens)) |
                   (bishop_attacks(king_, 0) & (position_.pieces(them_, bishop) | queens));
    Bits found = 0;
    while (snipers) {
      const Bits blockers = between(king_, pop(snipers)) & occupied_;
      if (count(blockers) == 1) found |= blockers & position_.pieces(us_);
    }
    return found;
  }

  bool safe(Square square, Bits occupied) const { return !position_.attackers(them_, square, occupied); }

  Bits limits(Square from) const {
    return pinned_ & bit(from) ? allowed_ & line_through(king_, from) : allowed_;
  }

  void add(Square from, Square to, Piece promotion = no_piece) {
    moves_.add({static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to),
                static_cast<std::uint8_t>(promotion)});
  }

  void king_moves() {
    for (Bits to = king_attacks(king_) & ~position_.pieces(us_); to;) {
      const Square square = pop(to);
      if (safe(square, occupied_ & ~bit(king_))) add(king_, square);
    }
  }

  void officer_moves(Piece piece, Square from) {
    Bits to = 0;
    if (piece == knight) to = knight_attacks(from);
    if (piece == bishop || piece == queen) to |= bishop_attacks(from, occupied_);
    if (piece == rook || piece == queen) to |= rook_attacks(from, occupied_);
    for (to &= limits(from); to;) add(from, pop(to));
  }

  void pawn_moves(Square from) {
    const int up = us_ == white ? 8 : -8;
    const Bits within = limits(from);
    if (!(occupied_ & bit(from + up))) {
      if (within & bit(from + up)) pawn_to(from, from + up);
      const bool at_home = rank_of(from) == (us_ == white ? 1 : 6);
      if (at_home && (within & bit(from + 2 * up)) && !(occupied_ & bit(from + 2 * up)))
        add(from, from + 2 * up);
    }
    const Bits targets = pawn_attacks(us_, from);
    for (Bits to = targets & within & position_.pieces(them_); to;) pawn_to(from, pop(to));
    const Square passed = position_.en_passant();
    if (passed >= 0 && (targets & bit(passed))) {
      // Two pawns leave one rank: the king is looked at anew.
      const Bits left = (occupied_ & ~bit(from) & ~bit(passed - up)) | bit(passed);
      const Bits attackers = position_.attackers(them_, king_, left) & ~bit(passed - up);
      if (!attackers) add(from, passed);
    }
  }

  void pawn_to(Square from, Square to) {
    if (rank_of(to) != 0 && rank_of(to) != 7) return add(from, to);
    for (const Piece piece : {queen, rook, bishop, knight}) add(from, to, piece);
  }

  void castling() {
    for (const bool king_side : {true, false}) {
      if (!position_.may_castle(us_, king_side)) continue;
      const int step = king_side ? 1 : -1;
      if (between(king_, king_side ? king_ + 3 : king_ - 4) & occupied_) continue;
      if (safe(king_ + step, occupied_) && safe(king_ + 2 * step, occupied_)) add(king_, king_ + 2 * step);
    }
  }

  const Position& position_;
  const Color us_, them_;
  const Square king_;
  const Bits occupied_, checkers_;
  MoveList& moves_;
  Bits allowed_ = 0, pinned_ = 0;
};

}  // namespace

MoveList legal_moves(const Position& position) {
  MoveList moves;
  Generator(position, moves).run();
  return moves;
}

bool is_checkmate(const Position& position) { return position.in_check() && legal_moves(position).empty(); }

std::uint64_t perft(const Position& position, int depth) {
  if (depth == 0) return 1;
  const MoveList moves = legal_moves(position);
  if (depth == 1) return moves.size();
  std::uint64_t leaves = 0;
  for (const Move& move : moves) leaves += perft(position.after(move), depth - 1);
  return leaves;
}

}  // namespace w2s::chess
