// Experiment: one experiment file, parsed and checked for structure.
//
// Free of LibTorch and of plugins: whether a loss exists and takes such
// parameters is checked later against the registry (plan/validate.hpp), with the
// sources that are kept here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <w2s/schema.hpp>
#include <w2s/train.hpp>

#include "config/launcher.hpp"
#include "config/split_params.hpp"
#include "config/supervisor.hpp"

namespace w2s {

/// [models.NAME.pretrain]; its other keys are settings of the pretraining
struct PretrainSpec {
  Spec objective;             // "simclr" or { type = "simclr", … }
  Table train;                // overrides of the objective's defaults: epochs, batch, lr, …
  std::int64_t examples = 0;  // of the unlabelled inputs; 0 = all
  std::int64_t seed = 0;      // one pretraining serves all seeds of the experiment
};

/// [models.NAME]
struct ModelSpec {
  std::string name;
  Spec spec;         // type and the model plugin's own parameters
  std::string init;  // path of a checkpoint, or ""
  std::optional<PretrainSpec> pretrain;
  Table train;  // overrides of [train] for this model
};

/// The halves of the training rows, as [pairs] ceiling_on names them.
enum class HalfName { transfer, supervisor };
constexpr auto enum_names(HalfName) { return std::array{"transfer", "supervisor"}; }

struct Pair {
  std::string weak;    // a name in [models]; a label of its own where a supervisor from outside teaches
  std::string strong;  // a name in [models]
};

/// [methods.NAME]; an empty table is naive fine-tuning
struct MethodSpec {
  std::string name;
  Spec loss;                   // empty type: "cross_entropy"
  std::vector<Spec> strategy;  // outermost first
  Table train;                 // overrides for the students of this method
  Source source;
};

struct Experiment {
  std::string name;
  std::vector<std::int64_t> seeds;
  std::string task_name;  // [task] name, by default its type: what the leaderboard shows
  Spec task;              // type and the task plugin's own parameters ("name" and "split" taken out)
  SplitParams split;
  std::vector<ModelSpec> models;
  SupervisorSpec supervisor;
  std::vector<Pair> pairs;                                // from weak/strong or every i < j of a ladder
  HalfName ceiling_on = HalfName::transfer;               // whose ground truth the ceiling is fitted to
  Table train;                                            // [train] as written
  std::vector<MethodSpec> methods;                        // in the order of the file
  std::vector<std::string> plugin_paths, plugin_sources;  // absolute
  LauncherParams launcher;  // [launcher]; changes no result and is not written by to_toml
  Table variant;            // [variant], the point of a sweep: dotted key → value; empty without one

  const ModelSpec& model(std::string_view name) const;    // throws UsageError with the nearest name
  const MethodSpec& method(std::string_view name) const;  // the same

  /// The resolved experiment as TOML text: parses back to an equal Experiment. Paths in the
  /// parameters of plugins stay as they are; relative ones are meant from the file that named them.
  std::string to_toml() const;
};

/// What the command line adds to a file.
struct Overrides {
  std::vector<std::string> set;        // "dotted.key=TOML value"; a bare word is taken as a string
  std::vector<std::string> sweep;      // "dotted.key=v1,v2,…" (commas inside [] {} "" do not split)
  std::vector<std::int64_t> seeds;     // replace the file's where not empty
  std::vector<std::string> presets{};  // folders of the presets that [task] may name
};

/// One point of a grid: checks a tree without [sweep]. `file` names it in messages.
Experiment read_experiment(const Table& root, const std::string& file);

/// Reads a file, applies --set in order, and expands the grid of [sweep] and --sweep
/// (first key slowest). Throws UsageError "<file>:<line>:<column>: …" at the first mistake.
std::vector<Experiment> load_experiments(const std::string& path, const Overrides& overrides = {});
/// The same for text; `name` stands for the file in messages, and relative paths start from its folder.
std::vector<Experiment> parse_experiments(const std::string& text, const std::string& name,
                                          const Overrides& overrides = {});

}  // namespace w2s
