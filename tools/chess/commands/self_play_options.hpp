// The options that "games" and "puzzles" share: how the games are played.
#pragma once

#include "commands.hpp"
#include "self_play.hpp"

namespace w2s::chess {

void add_self_play(app::Options& options);
/// Throws UsageError for values out of range.
SelfPlay self_play_of(const app::Options& options);
/// What lies beside the file that the games go to.
Table settings_of(const SelfPlay& play, const Engine& engine);
/// A whole number of at least `least`; throws UsageError naming the option.
std::int64_t count_of(const app::Options& options, const std::string& name, std::int64_t least);
/// --out; throws UsageError where it is missing.
std::string out_of(const app::Options& options);

}  // namespace w2s::chess
