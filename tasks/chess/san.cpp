#include "san.hpp"

#include <w2s/error.hpp>

namespace w2s::chess {
namespace {

bool castles(const Position& position, const Move& move) {
  return position.piece_on(move.from) == king && file_of(move.from) == 4 &&
         (file_of(move.to) == 6 || file_of(move.to) == 2) && rank_of(move.from) == rank_of(move.to);
}

// As little of the from square as tells the move from the other legal ones.
std::string from_square(const Position& position, const Move& move, const MoveList& moves) {
  bool others = false, same_file = false, same_rank = false;
  for (const Move& rival : moves) {
    if (rival.to != move.to || rival.from == move.from ||
        position.piece_on(rival.from) != position.piece_on(move.from)) {
      continue;
    }
    others = true;
    same_file |= file_of(rival.from) == file_of(move.from);
    same_rank |= rank_of(rival.from) == rank_of(move.from);
  }
  const std::string name = name_of(move.from);
  if (!others) return "";
  if (!same_file) return name.substr(0, 1);
  return same_rank ? name : name.substr(1);
}

[[noreturn]] void refuse(const Position& position, std::string_view text, const std::string& why) {
  throw UsageError("'" + std::string(text) + "' " + why + " in " + position.fen());
}

// What a written move says of itself.
struct Wanted {
  Piece piece = pawn;
  int from_file = -1, from_rank = -1;
  Square to = -1;
  Piece promotion = no_piece;
  int castling = 0;  // squares that the king goes: 2, −2
};

Piece piece_of(char letter) {
  const std::string_view letters = "PNBRQK";
  const auto found = letters.find(letter);
  return found == std::string_view::npos ? no_piece : static_cast<Piece>(found);
}

bool read(std::string_view text, Wanted& wanted) {
  if (text.ends_with("e.p.")) text.remove_suffix(4);
  while (!text.empty() && std::string_view("+#!?").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  if (text == "O-O" || text == "0-0" || text == "O-O-O" || text == "0-0-0") {
    wanted.piece = king;
    wanted.castling = text.size() == 3 ? 2 : -2;
    return true;
  }
  if (!text.empty() && text.back() == ')') text.remove_suffix(1);
  if (text.size() >= 3 && piece_of(text.back()) != no_piece) {
    wanted.promotion = piece_of(text.back());
    text.remove_suffix(1);
    if (text.back() == '=' || text.back() == '(') text.remove_suffix(1);
    if (wanted.promotion == pawn || wanted.promotion == king) return false;
  }
  if (!text.empty() && piece_of(text.front()) != no_piece) {
    wanted.piece = piece_of(text.front());
    text.remove_prefix(1);
  }
  if (text.size() < 2) return false;
  const std::string_view to = text.substr(text.size() - 2);
  if (to[0] < 'a' || to[0] > 'h' || to[1] < '1' || to[1] > '8') return false;
  wanted.to = square_of(to);
  text.remove_suffix(2);
  if (!text.empty() && std::string_view("x-:*").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'h') {
    wanted.from_file = text.front() - 'a';
    text.remove_prefix(1);
  }
  if (!text.empty() && text.front() >= '1' && text.front() <= '8') {
    wanted.from_rank = text.front() - '1';
    text.remove_prefix(1);
  }
  return text.empty();
}

bool meant(const Position& position, const Move& move, const Wanted& wanted) {
  if (position.piece_on(move.from) != wanted.piece) return false;
  if (wanted.castling != 0) return castles(position, move) && move.to - move.from == wanted.castling;
  return move.to == wanted.to && move.promotion == wanted.promotion &&
         (wanted.from_file < 0 || wanted.from_file == file_of(move.from)) &&
         (wanted.from_rank < 0 || wanted.from_rank == rank_of(move.from));
}

// The line's text; `position` goes from its start to its end.
std::string write_line(Position& position, const std::vector<Move>& line, LineStyle style) {
  std::string text;
  for (const Move& move : line) {
    const std::string number = std::to_string(position.move_number());
    const bool is_first = text.empty();
    if (!is_first) text += ' ';
    if (style != LineStyle::moves) {
      if (position.to_move() == white) {
        text += number + ". ";
      } else if (is_first || style == LineStyle::paper) {
        text += number + "... ";
      }
    }
    text += san(position, move);
    position = position.after(move);
  }
  return text;
}

}  // namespace

std::string san(const Position& position, const Move& move) {
  const MoveList moves = legal_moves(position);
  const Piece piece = position.piece_on(move.from);
  std::string text;
  if (castles(position, move)) {
    text = move.to > move.from ? "O-O" : "O-O-O";
  } else {
    const bool takes =
        position.piece_on(move.to) != no_piece || (piece == pawn && file_of(move.from) != file_of(move.to));
    if (piece != pawn) {
      text += letter_of(piece) + from_square(position, move, moves);
    } else if (takes) {
      text += name_of(move.from)[0];
    }
    if (takes) text += 'x';
    text += name_of(move.to);
    if (move.promotion != no_piece) text += std::string("=") + letter_of(static_cast<Piece>(move.promotion));
  }
  const Position next = position.after(move);
  if (next.in_check()) text += legal_moves(next).empty() ? '#' : '+';
  return text;
}

Move parse_san(const Position& position, std::string_view text) {
  Wanted wanted;
  if (!read(text, wanted)) refuse(position, text, "is not a move in algebraic notation");
  Move found{};
  int matches = 0;
  for (const Move& move : legal_moves(position)) {
    if (!meant(position, move, wanted)) continue;
    found = move;
    ++matches;
  }
  if (matches == 0) refuse(position, text, "is not a legal move");
  if (matches > 1) refuse(position, text, "means more than one move");
  return found;
}

Move parse_uci(const Position& position, std::string_view text) {
  for (const Move& move : legal_moves(position)) {
    if (uci(move) == text) return move;
    if (castles(position, move)) {
      const Square own_rook = move.to > move.from ? move.from + 3 : move.from - 4;
      if (name_of(move.from) + name_of(own_rook) == text) return move;
    }
  }
  refuse(position, text, "is not a legal move");
}

std::string line_text(const Position& start, const std::vector<Move>& line, LineStyle style) {
  Position end = start;
  return write_line(end, line, style);
}

std::string prompt_text(const Position& start, const std::vector<Move>& line, LineStyle style) {
  Position end = start;
  std::string text = write_line(end, line, style);
  if (style == LineStyle::moves) return text;
  return text + (text.empty() ? "" : " ") + std::to_string(end.move_number()) +
         (end.to_move() == white ? "." : "...");
}

}  // namespace w2s::chess
