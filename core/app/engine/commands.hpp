// The subcommands that load LibTorch and plugins.
#pragma once

#include "../options.hpp"

namespace w2s::app {

int run(const Command& command, const Args& args);
int plan(const Command& command, const Args& args);
int validate(const Command& command, const Args& args);
int list(const Command& command, const Args& args);
int describe(const Command& command, const Args& args);
int check(const Command& command, const Args& args);
int pretrain(const Command& command, const Args& args);
int verify(const Command& command, const Args& args);
int export_student(const Command& command, const Args& args);

}  // namespace w2s::app
