// The subcommands that load LibTorch and plugins.
#pragma once

#include "../options.hpp"
#include "plan/plan.hpp"

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

/// Lines for the user: open jobs that were computed before, and what has changed since.
std::vector<std::string> anew(const Plan& plan, const Store& store);

}  // namespace w2s::app
