// Command lines: each group of options is a struct, declared once by a schema; Boost.Program_options cuts the
// words.
//
//   struct StoreOption { std::string runs = "runs"; };
//   void describe(OptionSchema<StoreOption>& s) { s.option("runs", &StoreOption::runs, "DIR", "the store"); }
//
//   StoreOption store;
//   Options options(command, {"experiment"});
//   options.take(store);
//   if (!options.parse(args)) return 0;
//
// Types, defaults, ranges, the help and messages come from the schema, as they do for what stands in files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s::app {

using Args = std::vector<std::string>;

struct Command {
  const char* name;
  const char* arguments;  // "EXPERIMENT.toml"
  const char* summary;
  int (*run)(const Command& command, const Args& args);
};

/// How an option is written: "jobs,j" with its letter, and the word that stands for its value in the help.
struct Spelling {
  std::string words, value;
};

/// A schema whose fields are options.
template <class Params>
class OptionSchema {
 public:
  /// A bool is a switch and has no value; a list of strings may be repeated. Ranges may follow, as for any
  /// field.
  template <class T>
  Field& option(const std::string& words, T Params::*member, const std::string& value, std::string doc) {
    spellings_.push_back({words, value});
    return schema_->field("--" + words.substr(0, words.find(',')), member, std::move(doc));
  }

 private:
  friend class Options;
  std::unique_ptr<Schema<Params>> schema_ = std::make_unique<Schema<Params>>();
  std::vector<Spelling> spellings_;
};

/// The options of one subcommand: what it takes, parsing, and its --help.
class Options {
 public:
  /// `positional`: names of the positional arguments; the last one takes all that are left.
  Options(const Command& command, std::vector<std::string> positional)
      : command_(command), positional_(std::move(positional)) {}

  /// Takes the options that describe(OptionSchema<Params>&) declares. `params` holds the defaults; parse()
  /// fills in what is given.
  template <class Params>
  void take(Params& params) {
    OptionSchema<Params> options;
    describe(options);
    groups_.push_back({std::move(options.schema_), &params, std::move(options.spellings_)});
  }

  /// False where --help was asked for and printed. Throws UsageError for what the command does not take.
  bool parse(const Args& args);

  /// Whether an option, "jobs", stands on the command line.
  bool given(const std::string& name) const { return given_.count(name) != 0; }
  /// The positional arguments of that name.
  const std::vector<std::string>& arguments(const std::string& name) const;
  /// The one positional argument of that name. Throws UsageError where there is none, or several.
  const std::string& argument(const std::string& name) const;

 private:
  struct Group {
    std::unique_ptr<SchemaBase> schema;
    void* params;
    std::vector<Spelling> spellings;  // of the schema's fields
  };

  Command command_;
  std::vector<std::string> positional_;
  std::vector<Group> groups_;
  std::set<std::string> given_;
  std::map<std::string, std::vector<std::string>> arguments_;
};

/// --runs DIR, default $W2S_RUNS or "runs".
struct StoreOption {
  StoreOption();
  std::string runs;
};
void describe(OptionSchema<StoreOption>& options);

/// The same for commands that read several stores.
struct StoresOption {
  StoresOption();
  std::vector<std::string> runs;
};
void describe(OptionSchema<StoresOption>& options);

/// The seeds "0,1,2" of --seeds. Throws UsageError for what is no list of whole numbers from 0.
std::vector<std::int64_t> seeds_of(const std::string& text);

/// "a,b" → {"a", "b"}; spaces around the names go.
std::vector<std::string> split_list(const std::string& text);

/// Runs `body`, with all errors turned into a message on stderr and an exit status: 0, 2 for usage and
/// configuration, 1 for everything else.
int guarded_main(const std::function<int()>& body);

}  // namespace w2s::app
