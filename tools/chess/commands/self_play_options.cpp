#include "self_play_options.hpp"

#include <w2s/error.hpp>

namespace w2s::chess {
void describe(app::OptionSchema<OutOption>& s) {
  s.option("out", &OutOption::out, "FILE", "made; games and puzzles go on where it ends");
}

void describe(app::OptionSchema<EngineOption>& s) {
  s.option("engine", &EngineOption::engine, "PROGRAM", "a UCI engine");
}

void describe(app::OptionSchema<SelfPlayOptions>& s) {
  using O = SelfPlayOptions;
  s.option("seed", &O::seed, "N", "of the games").at_least(0);
  s.option("nodes", &O::nodes, "N", "of the search for a move").at_least(1);
  s.option("lines", &O::lines, "N", "best moves that one is drawn from").in(1, 500);
  s.option("temperature", &O::temperature, "X",
           "centipawns: a move is drawn with weight exp((score - best) / temperature)")
      .above(0);
  s.option("blunders", &O::blunders, "X", "chance that any legal move is played instead").in(0, 1);
  s.option("plies", &O::plies, "N", "a game is cut off here").in(1, 2000);
}

void describe(app::OptionSchema<StyleOption>& s) {
  s.option("style", &StyleOption::style, "STYLE",
           "moves (d4 Nf6 c4), pgn (1. d4 Nf6 2. c4) or paper (1. d4 1... Nf6 2. c4)");
}

SelfPlay SelfPlayOptions::settings() const {
  SelfPlay play;
  play.seed = static_cast<std::uint64_t>(seed);
  play.nodes = nodes;
  play.lines = static_cast<int>(lines);
  play.temperature = temperature;
  play.blunders = blunders;
  play.plies = static_cast<int>(plies);
  return play;
}

const std::string& out_of(const OutOption& option) {
  if (option.out.empty()) throw UsageError("--out FILE is missing: where the result goes");
  return option.out;
}

Table settings_of(const SelfPlay& play, const Engine& engine) {
  return {{"engine", engine.name()},
          {"seed", static_cast<std::int64_t>(play.seed)},
          {"nodes", play.nodes},
          {"lines", play.lines},
          {"temperature", play.temperature},
          {"blunders", play.blunders},
          {"plies", play.plies}};
}

}  // namespace w2s::chess
