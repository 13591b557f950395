// w2s-engine: started by w2s for the subcommands that load LibTorch and plugins.
#include <iostream>

#include "base/allocator.hpp"
#include "commands.hpp"

namespace w2s::app {
namespace {

constexpr Command kCommands[] = {
    {"run", "EXPERIMENT.toml", "Runs an experiment: what the store does not hold yet is computed.", run},
    {"plan", "EXPERIMENT.toml", "Shows the jobs of an experiment and which are done.", plan},
    {"validate", "EXPERIMENT.toml", "Checks an experiment and the plugins that it names, without running it.",
     validate},
    {"list", "[KIND]", "Lists the plugins.", list},
    {"describe", "KIND/NAME", "Tells what a plugin does, its parameters, and TOML to paste.", app::describe},
    {"check", "FILE.cpp|FILE.so|KIND/NAME", "Checks what a plugin must do for results to mean what they say.",
     check},
    {"pretrain", "EXPERIMENT.toml",
     "Pretrains the models of an experiment that [models.NAME.pretrain] says how, and writes them as "
     "folders.",
     pretrain},
    {"verify", "RUN…", "Fits a run anew from its record alone, in a store of its own, and compares.", verify},
    {"export", "STUDENT DIR",
     "Writes a trained student, a run or a fit, as a Hugging Face folder with its head.", export_student},
};

int dispatch(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  for (const Command& command : kCommands) {
    if (name == command.name) return command.run(command, Args(argv + 2, argv + argc));
  }
  throw UsageError("w2s-engine is started by w2s; see w2s --help");
}

}  // namespace
}  // namespace w2s::app

int main(int argc, char** argv) {
  w2s::keep_freed_memory();
  return w2s::app::guarded_main([&] { return w2s::app::dispatch(argc, argv); });
}
