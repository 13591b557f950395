// w2s: the command that users type. Answers what it can without LibTorch and hands
// the rest to w2s-engine.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "commands.hpp"

namespace w2s::app {
namespace {

namespace fs = std::filesystem;

// Commands without a function live in w2s-engine.
constexpr Command kCommands[] = {
    {"run", "EXPERIMENT.toml", "run an experiment: what the store does not hold yet is computed", nullptr},
    {"plan", "EXPERIMENT.toml", "show the jobs of an experiment and which are done", nullptr},
    {"validate", "EXPERIMENT.toml", "check an experiment without running it", nullptr},
    {"list", "[KIND]", "list the plugins: tasks, models, objectives, losses, strategies", nullptr},
    {"describe", "KIND/NAME", "what a plugin does, its parameters and TOML to paste", nullptr},
    {"new", "KIND NAME", "write the file that a plugin starts from: loss, strategy, task, model, objective",
     new_plugin},
    {"check", "FILE.cpp|KIND/NAME", "check what a plugin must do for results to mean what they say", nullptr},
    {"leaderboard", "[EXPERIMENT…] | export ARCHIVE [EXPERIMENT…] | import ARCHIVE",
     "the table of methods: score, performance gap recovered, agreement; records to and from a colleague",
     leaderboard},
    {"report", "[EXPERIMENT…]", "one HTML page that opens offline: leaderboard, figures, every run", report},
    {"show", "RUN", "one run: configuration, measures, fits, where each number came from", show},
    {"status", "[EXPERIMENT…]", "what is done, under way, failed and open", status},
    {"verify", "RUN…", "fit a run anew from its record alone and compare", nullptr},
    {"store", "reindex|remeasure|gc|du|verify", "look after the store of results", store},
    {"tokenizer", "train FILE…", "train a byte-level BPE tokenizer on text files", tokenizer},
    {"pretrain", "EXPERIMENT.toml", "pretrain an experiment's models and write them as Hugging Face folders",
     nullptr},
    {"export", "STUDENT DIR", "a trained student as a Hugging Face folder", nullptr},
};

// A program beside this one, or in libexec; empty where there is none.
fs::path beside(const std::string& program) {
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& candidate : {folder / program, folder.parent_path() / "libexec" / "w2s" / program}) {
    if (fs::exists(candidate)) return candidate;
  }
  return {};
}

// "chess" for w2s-chess: programs beside this one that are commands of their own.
bool is_tool(const std::string& name) {
  if (name.empty() || name == "engine" || name == "stamp") return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos &&
         !beside("w2s-" + name).empty();
}

void print_help() {
  std::cout << "w2s: experiments in weak-to-strong generalization\n\n"
               "usage: w2s COMMAND [arguments]\n\n";
  for (const Command& command : kCommands) fmt::print("  {:<12} {}\n", command.name, command.summary);
  if (is_tool("chess"))
    fmt::print("  {:<12} {}\n", "chess", "make chess games and puzzles with a chess engine");
  std::cout << "\nw2s COMMAND --help shows a command's options, w2s --version the version.\n";
}

[[noreturn]] void become(const fs::path& program, char** argv) {
  execv(program.c_str(), argv);
  throw Error("cannot start '" + program.string() + "': " + std::strerror(errno));
}

[[noreturn]] void hand_over(char** argv) {
  const fs::path engine = beside("w2s-engine");
  if (!engine.empty()) become(engine, argv);
  throw Error("w2s-engine is missing beside '" + fs::read_symlink("/proc/self/exe").string() +
              "': the installation is damaged");
}

int dispatch(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty()) {
    print_help();
    return 2;
  }
  if (name == "--help" || name == "-h" || name == "help") {
    print_help();
    return 0;
  }
  if (name == "--version") {
    fmt::print("w2s {}\n", W2S_VERSION);
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
    names.push_back(command.name);
    if (name != command.name) continue;
    if (command.run == nullptr) hand_over(argv);
    return command.run(command, Args(argv + 2, argv + argc));
  }
  if (is_tool(name)) become(beside("w2s-" + name), argv + 1);
  if (name[0] == '-') {
    throw UsageError("unknown option '" + name + "'" + did_you_mean(name, {"--help", "--version"}) +
                     "; see w2s --help");
  }
  throw UsageError("unknown command '" + name + "'" + did_you_mean(name, names) + "; see w2s --help");
}

}  // namespace
}  // namespace w2s::app

int main(int argc, char** argv) {
  return w2s::app::guarded_main([&] { return w2s::app::dispatch(argc, argv); });
}
