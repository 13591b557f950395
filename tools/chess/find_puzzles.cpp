#include "find_puzzles.hpp"

#include <algorithm>

namespace w2s::chess {
namespace {

int cut(const Score& score) {
  if (score.mate) return score.value > 0 ? 1500 : -1500;
  return std::clamp(score.value, -1000, 1000);
}

Value score_value(const Score& score) {
  if (score.mate) return "#" + std::to_string(score.value);
  return score.value;
}

Table row(const Position& position, const std::vector<Move>& moves, const Verdict& verdict,
          const PuzzleSearch& search, std::int64_t number) {
  const Line &best = verdict.analysis.lines[0], &second = verdict.analysis.lines[1];
  return {{"game", number},
          {"ply", static_cast<std::int64_t>(moves.size())},
          {"moves", line_text(Position(), moves, LineStyle::moves)},
          {"fen", position.fen()},
          {"answer", san(position, parse_uci(position, best.move))},
          {"uci", best.move},
          {"second", san(position, parse_uci(position, second.move))},
          {"score", score_value(best.score)},
          {"second_score", score_value(second.score)},
          {"gap", verdict.gap},
          {"mate", best.score.mate ? Value(best.score.value) : Value()},
          {"depth", verdict.analysis.depth},
          {"nodes", search.nodes},
          {"difficulty", verdict.found_at}};
}

}  // namespace

int gap_between(const Score& best, const Score& second) { return cut(best) - cut(second); }

Verdict examine(Engine& engine, const Position& position, std::int64_t nodes) {
  engine.new_game();
  Verdict verdict;
  verdict.analysis = engine.analyse(position, 2, nodes);
  const Analysis& analysis = verdict.analysis;
  if (analysis.lines.size() > 1) verdict.gap = gap_between(analysis.lines[0].score, analysis.lines[1].score);
  verdict.found_at = analysis.depth;
  const std::vector<std::string>& best = analysis.best_by_depth;
  for (std::size_t i = best.size(); i > 0 && best[i - 1] == analysis.lines[0].move; --i)
    verdict.found_at = static_cast<int>(i);
  return verdict;
}

std::vector<Table> find_puzzles(Engine& engine, const SelfPlay& settings, const PuzzleSearch& search,
                                std::int64_t number) {
  std::vector<Table> found;
  play(engine, settings, number,
       [&](const Position& position, const std::vector<Move>& moves, const Analysis& seen) {
         if (static_cast<int>(moves.size()) < search.first_ply || seen.lines.size() < 2 ||
             static_cast<int>(found.size()) >= search.per_game ||
             gap_between(seen.lines[0].score, seen.lines[1].score) < search.gap) {
           return;
         }
         const Verdict verdict = examine(engine, position, search.nodes);
         if (verdict.gap >= search.gap && verdict.analysis.lines[0].move == seen.lines[0].move) {
           found.push_back(row(position, moves, verdict, search, number));
         }
         engine.new_game();
       });
  return found;
}

}  // namespace w2s::chess
