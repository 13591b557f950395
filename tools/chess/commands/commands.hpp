// The subcommands of w2s-chess.
#pragma once

#include "options.hpp"

namespace w2s::chess {

int games(const app::Command& command, const app::Args& args);
int puzzles(const app::Command& command, const app::Args& args);
int pairs(const app::Command& command, const app::Args& args);
int movetext(const app::Command& command, const app::Args& args);
int check(const app::Command& command, const app::Args& args);
int perft_command(const app::Command& command, const app::Args& args);

}  // namespace w2s::chess
