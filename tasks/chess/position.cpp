#include "position.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <w2s/error.hpp>

namespace w2s::chess {
namespace {

constexpr std::string_view kLetters = "PNBRQK";
constexpr std::string_view kInitial = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return fields;
}

int number_in(std::string_view text, const char* what, int least) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > 9999) {
    throw UsageError(std::string(what) + " is '" + std::string(text) + "', expected a number from " +
                     std::to_string(least));
  }
  return number;
}

std::string of_color(Color color) { return color == white ? "White" : "Black"; }

}  // namespace

Square square_of(std::string_view name) {
  if (name.size() != 2 || name[0] < 'a' || name[0] > 'h' || name[1] < '1' || name[1] > '8') {
    throw UsageError("'" + std::string(name) + "' is no square: a1 to h8");
  }
  return 8 * (name[1] - '1') + (name[0] - 'a');
}

std::string name_of(Square square) {
  return {static_cast<char>('a' + file_of(square)), static_cast<char>('1' + rank_of(square))};
}

char letter_of(Piece piece) { return kLetters[static_cast<std::size_t>(piece)]; }

std::string uci(const Move& move) {
  std::string text = name_of(move.from) + name_of(move.to);
  if (move.promotion != no_piece) text += "pnbrqk"[move.promotion];
  return text;
}

Position::Position() : Position(from_fen(kInitial)) {}

Position::Position(Empty) { board_.fill(no_piece); }

void Position::put(Color color, Piece piece, Square square) {
  board_[static_cast<std::size_t>(square)] = static_cast<std::uint8_t>(piece);
  colors_[color] |= bit(square);
  kinds_[piece] |= bit(square);
}

void Position::clear(Square square) {
  const Bits rest = ~bit(square);
  kinds_[piece_on(square)] &= rest;
  colors_[white] &= rest;
  colors_[black] &= rest;
  board_[static_cast<std::size_t>(square)] = no_piece;
}

Position Position::from_fen(std::string_view fen) {
  const std::vector<std::string_view> fields = fields_of(fen);
  const auto refuse = [&](const std::string& message) -> void {
    throw UsageError("illegal FEN '" + std::string(fen) + "': " + message);
  };
  if (fields.size() != 4 && fields.size() != 6) {
    refuse("expected six fields (board, side to move, castling, en passant, two counters), found " +
           std::to_string(fields.size()));
  }

  Position position{Empty()};
  int file = 0, rank = 7;
  for (const char c : fields[0]) {
    if (c == '/') {
      if (file != 8) refuse("rank " + std::to_string(rank + 1) + " does not have eight squares");
      file = 0;
      if (--rank < 0) refuse("the board has more than eight ranks");
    } else if (c >= '1' && c <= '8') {
      file += c - '0';
    } else {
      const auto piece = kLetters.find(static_cast<char>(c >= 'a' ? c - 32 : c));
      if (piece == std::string_view::npos)
        refuse(std::string("'") + c + "' is no piece: expected one of PNBRQKpnbrqk");
      if (file < 8) position.put(c >= 'a' ? black : white, static_cast<Piece>(piece), 8 * rank + file);
      ++file;
    }
    if (file > 8) refuse("rank " + std::to_string(rank + 1) + " does not have eight squares");
  }
  if (rank != 0 || file != 8) refuse("the board does not have eight ranks of eight squares");

  if (fields[1] != "w" && fields[1] != "b")
    refuse("the side to move is '" + std::string(fields[1]) + "', expected w or b");
  position.to_move_ = fields[1] == "w" ? white : black;

  if (fields[2] != "-") {
    for (const char c : fields[2]) {
      const auto right = std::string_view("KQkq").find(c);
      if (right == std::string_view::npos || position.castling_ >> right & 1) {
        refuse("castling rights are '" + std::string(fields[2]) + "', expected some of KQkq, or -");
      }
      position.castling_ |= 1 << right;
    }
  }
  try {
    if (fields[3] != "-") position.en_passant_ = square_of(fields[3]);
    if (fields.size() == 6) {
      position.halfmoves_ = number_in(fields[4], "the halfmove clock", 0);
      // Some programs count the first move as 0.
      position.number_ = std::max(1, number_in(fields[5], "the move number", 0));
    }
    position.check();
  } catch (const UsageError& error) {
    refuse(error.what());
  }
  return position;
}

void Position::check() const {
  for (const Color color : {white, black}) {
    const int kings = count(pieces(color, king));
    if (kings != 1) throw UsageError(of_color(color) + " has " + std::to_string(kings) + " kings");
    if (count(pieces(color)) > 16 || count(pieces(color, pawn)) > 8)
      throw UsageError(of_color(color) + " has more pieces than a side can have");
  }
  constexpr Bits kOuterRanks = 0xff000000000000ff;
  if (kinds_[pawn] & kOuterRanks) throw UsageError("a pawn stands on the first or the last rank");
  if (attackers(to_move_, king_square(other(to_move_)), occupied()) != 0) {
    throw UsageError(of_color(other(to_move_)) + " is in check, but it is " +
                     (to_move_ == white ? "White" : "Black") + "'s move");
  }
  for (const Color color : {white, black}) {
    for (const bool king_side : {true, false}) {
      const Square home = color == white ? 0 : 56;
      if (may_castle(color, king_side) && !((pieces(color, king) & bit(home + 4)) &&
                                            (pieces(color, rook) & bit(home + (king_side ? 7 : 0))))) {
        throw UsageError("castling right " + std::string(1, "KQkq"[2 * color + !king_side]) +
                         " without king and rook at home");
      }
    }
  }
  if (en_passant_ >= 0) {
    const int up = to_move_ == white ? 8 : -8;
    if (rank_of(en_passant_) != (to_move_ == white ? 5 : 2) || (occupied() & bit(en_passant_)) ||
        (occupied() & bit(en_passant_ + up)) || !(pieces(other(to_move_), pawn) & bit(en_passant_ - up))) {
      throw UsageError("no pawn has just passed the en passant square " + name_of(en_passant_));
    }
  }
}

std::string Position::fen() const {
  std::string text;
  for (int rank = 7; rank >= 0; --rank) {
    int empty = 0;
    for (int file = 0; file < 8; ++file) {
      const Square square = 8 * rank + file;
      if (piece_on(square) == no_piece) {
        ++empty;
        continue;
      }
      if (empty > 0) text += std::to_string(empty);
      empty = 0;
      const char letter = letter_of(piece_on(square));
      text += has(white, square) ? letter : static_cast<char>(letter + 32);
    }
    if (empty > 0) text += std::to_string(empty);
    if (rank > 0) text += '/';
  }
  text += to_move_ == white ? " w " : " b ";
  for (int right = 0; right < 4; ++right) {
    if (castling_ >> right & 1) text += "KQkq"[right];
  }
  if (castling_ == 0) text += '-';
  text += ' ' + (en_passant_ < 0 ? "-" : name_of(en_passant_));
  return text + ' ' + std::to_string(halfmoves_) + ' ' + std::to_string(number_);
}

Bits Position::attackers(Color color, Square square, Bits occupied) const {
  const Bits straight = kinds_[rook] | kinds_[queen], oblique = kinds_[bishop] | kinds_[queen];
  return colors_[color] &
         ((pawn_attacks(other(color), square) & kinds_[pawn]) | (knight_attacks(square) & kinds_[knight]) |
          (king_attacks(square) & kinds_[king]) | (bishop_attacks(square, occupied) & oblique) |
          (rook_attacks(square, occupied) & straight));
}

Position Position::after(const Move& move) const {
  Position next = *this;
  const Color us = to_move_;
  const Piece piece = piece_on(move.from), taken = piece_on(move.to);
  const int up = us == white ? 8 : -8;
  next.en_passant_ = -1;
  next.halfmoves_ = piece == pawn || taken != no_piece ? 0 : halfmoves_ + 1;
  next.number_ = number_ + (us == black);
  next.to_move_ = other(us);

  next.clear(move.from);
  if (taken != no_piece) next.clear(move.to);
  next.put(us, move.promotion == no_piece ? piece : static_cast<Piece>(move.promotion), move.to);
  if (piece == pawn) {
    if (move.to == en_passant_) next.clear(move.to - up);
    if (move.to - move.from == 2 * up) next.en_passant_ = move.from + up;
  } else if (piece == king && (move.to - move.from == 2 || move.from - move.to == 2)) {
    const bool king_side = move.to > move.from;
    next.clear(king_side ? move.to + 1 : move.to - 2);
    next.put(us, rook, king_side ? move.to - 1 : move.to + 1);
  }
  for (const Square square : {int{move.from}, int{move.to}}) {
    switch (square) {
      case 4:
        next.castling_ &= ~3;
        break;
      case 7:
        next.castling_ &= ~1;
        break;
      case 0:
        next.castling_ &= ~2;
        break;
      case 60:
        next.castling_ &= ~12;
        break;
      case 63:
        next.castling_ &= ~4;
        break;
      case 56:
        next.castling_ &= ~8;
        break;
      default:
        break;
    }
  }
  return next;
}

bool operator==(const Position& a, const Position& b) {
  if (a.to_move_ != b.to_move_ || a.castling_ != b.castling_ || a.en_passant_ != b.en_passant_) return false;
  if (a.colors_[white] != b.colors_[white]) return false;
  return a.board_ == b.board_;
}

}  // namespace w2s::chess
