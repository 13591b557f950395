// Command lines: Boost.Program_options with our messages, shared by all subcommands.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "config/experiment.hpp"

namespace w2s::app {

namespace po = boost::program_options;
using Args = std::vector<std::string>;

struct Command {
  const char* name;
  const char* arguments;  // "EXPERIMENT.toml"
  const char* summary;
  int (*run)(const Command& command, const Args& args);
};

/// The options of one subcommand: what it takes, parsing, and its --help.
class Options {
 public:
  /// `positional`: names of the positional arguments; the last one takes all that are left.
  Options(const Command& command, std::vector<std::string> positional);
  po::options_description_easy_init add() { return visible_.add_options(); }
  /// --runs DIR, default $W2S_RUNS or "runs".
  void add_runs();
  /// The same for commands that read several: may be repeated.
  void add_many_runs();
  /// --set, --sweep, --seeds.
  void add_overrides();

  /// False where --help was asked for and printed. Throws UsageError for what the command does not take.
  bool parse(const Args& args);

  const po::variables_map& values() const { return values_; }
  bool given(const std::string& name) const { return values_.count(name) != 0 && !values_[name].defaulted(); }
  bool flag(const std::string& name) const { return values_[name].as<bool>(); }
  std::string text(const std::string& name) const { return values_[name].as<std::string>(); }
  std::vector<std::string> list(const std::string& name) const;
  /// Throws UsageError "… needs an experiment file" where it was not given.
  std::string required(const std::string& name) const;
  std::string runs() const { return text("runs"); }
  Overrides overrides() const;

 private:
  Command command_;
  std::vector<std::string> positional_;
  po::options_description visible_, hidden_;
  po::variables_map values_;
};

/// "a,b" → {"a", "b"}; spaces around the names go.
std::vector<std::string> split_list(const std::string& text);

/// Dispatch to one of `commands`, with all errors turned into a message on stderr and an exit status:
/// 0, 2 for usage and configuration, 1 for everything else.
int guarded_main(const std::function<int()>& body);

}  // namespace w2s::app
