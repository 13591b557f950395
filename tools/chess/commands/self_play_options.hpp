// The options that commands of chess share.
#pragma once

#include "commands.hpp"
#include "self_play.hpp"

namespace w2s::chess {

/// --out; its commands call out_of, which throws UsageError where it is missing.
struct OutOption {
  std::string out;
};
const std::string& out_of(const OutOption& option);

/// --engine: a UCI engine.
struct EngineOption {
  std::string engine = "stockfish";
};

/// How the games of "games" and "puzzles" are played.
struct SelfPlayOptions {
  std::int64_t seed = 0, nodes = SelfPlay().nodes, lines = SelfPlay().lines, plies = SelfPlay().plies;
  double temperature = SelfPlay().temperature, blunders = SelfPlay().blunders;

  SelfPlay settings() const;
};

/// How moves are written.
struct StyleOption {
  LineStyle style = LineStyle::moves;
};

void describe(app::OptionSchema<OutOption>& options);
void describe(app::OptionSchema<EngineOption>& options);
void describe(app::OptionSchema<SelfPlayOptions>& options);
void describe(app::OptionSchema<StyleOption>& options);

/// What lies beside the file that the games go to.
Table settings_of(const SelfPlay& play, const Engine& engine);

}  // namespace w2s::chess
