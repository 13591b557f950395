// Moves as people write them (SAN, "Nbxd7+") and as engines do (UCI, "b6d7"): both ways.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "moves.hpp"

namespace w2s::chess {

/// A legal move in SAN: file, rank or both only where another piece of the kind could go there, "x", "=Q",
/// "O-O", and "+" or "#".
std::string san(const Position& position, const Move& move);

/// The legal move that is meant. Also understood: missing or wrong marks of check and capture, "!?", "e8Q",
/// "0-0", "e.p.", from squares that need not be said ("Ng1f3", "e2-e4"). Throws UsageError where no legal
/// move, or more than one, is meant.
Move parse_san(const Position& position, std::string_view text);

/// A legal move from UCI; also "e1h1" for castling. Throws UsageError for others.
Move parse_uci(const Position& position, std::string_view text);

/// A game so far as text: moves of the line from `start`, all legal.
///   "moves"   "d4 Nf6 c4"
///   "pgn"     "1. d4 Nf6 2. c4"
///   "paper"   "1. d4 1... Nf6 2. c4", as Burns et al. 2023 write prompts
enum class LineStyle { moves, pgn, paper };
constexpr auto enum_names(LineStyle) { return std::array{"moves", "pgn", "paper"}; }
std::string line_text(const Position& start, const std::vector<Move>& line, LineStyle style);
/// The same as a question for the next move: it ends in that move's number, "… 2. c4 2...", but for "moves".
std::string prompt_text(const Position& start, const std::vector<Move>& line, LineStyle style);

}  // namespace w2s::chess
