// Runs a program without a shell and collects what it prints.
#pragma once

#include <string>
#include <vector>

namespace w2s {

/// A command or an environment as exec takes it: pointers into these strings, and a null one.
std::vector<char*> pointers(std::vector<std::string>& strings);

struct ProgramResult {
  int status = 0;      ///< exit status; 128 + signal where a signal ended it
  std::string output;  ///< stdout and stderr, as they came
};

/// `command[0]` is a path or a name in PATH; messages in English, no standard input.
/// Throws Error where the program cannot be started.
ProgramResult run_program(const std::vector<std::string>& command);

}  // namespace w2s
