#include "self_play.hpp"

#include <algorithm>
#include <cmath>

#include <w2s/digest.hpp>

namespace w2s::chess {
namespace {

Move draw(const Position& position, const Analysis& analysis, const SelfPlay& settings,
          std::mt19937_64& bits) {
  const bool blunder = uniform(bits) < settings.blunders;
  const double point = uniform(bits);
  if (blunder) {
    const MoveList moves = legal_moves(position);
    return moves[static_cast<std::size_t>(point * static_cast<double>(moves.size()))];
  }
  std::vector<double> weights;
  double sum = 0;
  for (const Line& line : analysis.lines) {
    const int below = line.score.order() - analysis.lines[0].score.order();
    weights.push_back(std::exp(below / settings.temperature));
    sum += weights.back();
  }
  double left = point * sum;
  std::size_t chosen = 0;
  while (chosen + 1 < weights.size() && left >= weights[chosen]) left -= weights[chosen++];
  return parse_uci(position, analysis.lines[chosen].move);
}

bool too_little_to_mate(const Position& position) {
  for (const Color color : {white, black}) {
    if (position.pieces(color, pawn) | position.pieces(color, rook) | position.pieces(color, queen))
      return false;
  }
  return count(position.occupied()) <= 3;
}

}  // namespace

double uniform(std::mt19937_64& bits) { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

PgnGame play(Engine& engine, const SelfPlay& settings, std::int64_t number, const Watcher& watch) {
  std::mt19937_64 bits(
      Digest().add("chess self-play").add(static_cast<std::int64_t>(settings.seed)).add(number).word());
  engine.new_game();
  PgnGame game;
  game.result = "*";
  Position position;
  std::vector<Position> seen;
  while (static_cast<int>(game.moves.size()) < settings.plies) {
    if (legal_moves(position).empty()) {
      game.result = !position.in_check() ? "1/2-1/2" : position.to_move() == white ? "0-1" : "1-0";
      break;
    }
    if (position.halfmove_clock() >= 100 || too_little_to_mate(position) ||
        std::count(seen.begin(), seen.end(), position) >= 2) {
      game.result = "1/2-1/2";
      break;
    }
    const Analysis analysis = engine.analyse(position, settings.lines, settings.nodes);
    if (watch) watch(position, game.moves, analysis);
    const Move move = draw(position, analysis, settings, bits);
    seen.push_back(position);
    game.moves.push_back(move);
    position = position.after(move);
  }
  game.tags = {{"Event", "self-play"},   {"Site", "?"},
               {"Date", "????.??.??"},   {"Round", std::to_string(number)},
               {"White", engine.name()}, {"Black", engine.name()},
               {"Result", game.result}};
  return game;
}

std::string pgn_text(const PgnGame& game) {
  std::string text;
  for (const auto& [name, value] : game.tags) {
    text += "[" + name + " \"";
    for (const char c : value) text += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    text += "\"]\n";
  }
  const std::string moves = line_text(game.start, game.moves, LineStyle::pgn);
  return text + "\n" + moves + (moves.empty() ? "" : " ") + game.result + "\n\n";
}

}  // namespace w2s::chess
