// The subcommands that need neither LibTorch nor plugins.
#pragma once

#include "options.hpp"

namespace w2s::app {

int new_plugin(const Command& command, const Args& args);
int leaderboard(const Command& command, const Args& args);
int report(const Command& command, const Args& args);
int show(const Command& command, const Args& args);
int status(const Command& command, const Args& args);
int store(const Command& command, const Args& args);
int tokenizer(const Command& command, const Args& args);

}  // namespace w2s::app
