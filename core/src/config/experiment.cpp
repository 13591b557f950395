// From a tree of Values to an Experiment: every table of the file has one function here.
#include "config/experiment.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace w2s {
namespace {

constexpr std::int64_t kMaxSeeds = 100'000;

const std::vector<std::string> kTopLevel = {"name",  "seeds",   "task",    "models", "pairs",   "supervisor",
                                            "train", "methods", "plugins", "sweep",  "variant", "launcher"};

struct PairParams {
  std::optional<std::string> weak, strong;
  std::vector<std::string> ladder;
  HalfName ceiling_on = HalfName::transfer;
};

struct PluginParams {
  std::vector<std::string> paths, sources;
};

struct InitParams {
  std::string init;
};

struct PretrainParams {
  Spec objective;
  std::int64_t examples = 0, seed = 0;
};

void describe(Schema<PairParams>& s) {
  s.field("weak", &PairParams::weak, "model that learns from ground truth and labels for the student");
  s.field("strong", &PairParams::strong, "model that learns from the weak model's labels");
  s.field("ladder", &PairParams::ladder,
          "instead of both: models from weak to strong; every two make a pair");
  s.field("ceiling_on", &PairParams::ceiling_on, "half whose ground truth the ceiling is fitted to");
}

void describe(Schema<PluginParams>& s) {
  s.field("paths", &PluginParams::paths, "folders or libraries with further plugins").path();
  s.field("sources", &PluginParams::sources, "plugin sources to compile and load").path();
}

void describe(Schema<InitParams>& s) {
  s.field("init", &InitParams::init, "checkpoint to start from").path();
}

void describe(Schema<PretrainParams>& s) {
  s.field("objective", &PretrainParams::objective, "what is learnt").plugin("objective").required();
  s.field("examples", &PretrainParams::examples, "of the unlabelled inputs; 0 = all").at_least(0);
  s.field("seed", &PretrainParams::seed, "one pretraining serves all seeds of the experiment").at_least(0);
}

template <class Params>
Params parse(const Table& table, std::string_view what) {
  Schema<Params> schema;
  describe(schema);
  return schema.parse(table, what);
}

std::string comma_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

const Table& table_of(const Value& value, const std::string& what) {
  if (!value.is_table()) fail_at(value, what + ": expected a table, found " + value.description());
  return value.as_table();
}

const std::string& string_of(const Value& value, const std::string& what) {
  if (!value.is_string()) fail_at(value, what + ": expected a string, found " + value.description());
  return value.as_string();
}

void check_keys(const Table& table, const std::vector<std::string>& known, const std::string& owner) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    fail_at(value, owner + "unknown key '" + key + "'" + did_you_mean(key, known) + "; it takes " +
                       comma_list(known));
  }
}

// Names become parts of paths, of store keys and of table columns.
void check_name(const std::string& name, const Source& source, const std::string& what) {
  const bool bad = name.empty() || name.size() > 100 || name[0] == '.' ||
                   std::any_of(name.begin(), name.end(), [](char c) {
                     return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\';
                   });
  if (bad) {
    fail_at(
        source,
        what + " " + Value(name).toml() +
            ": expected 1 to 100 characters without '/', '\\' or control characters, not starting with '.'");
  }
}

Table without(Table table, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) table.erase(key);
  return table;
}

Table only(const Table& table, const std::vector<std::string>& keys) {
  Table out;
  for (const std::string& key : keys) {
    if (const Value* value = table.find(key)) out.set(key, *value);
  }
  return out.at(table.source());
}

std::vector<std::int64_t> read_seeds(const Value& value) {
  std::vector<std::int64_t> seeds;
  if (value.kind() == Value::Kind::integer) {
    const std::int64_t count = value.as_int();
    if (count < 1 || count > kMaxSeeds) {
      fail_at(value, "seeds = " + value.toml() + " is out of range: how many seeds, in [1, " +
                         std::to_string(kMaxSeeds) + "], or a list of seeds");
    }
    for (std::int64_t seed = 0; seed < count; ++seed) seeds.push_back(seed);
    return seeds;
  }
  if (!value.is_list()) {
    fail_at(value, "seeds: expected a list of integers ≥ 0, or how many, found " + value.description());
  }
  if (value.as_list().empty()) fail_at(value, "seeds is empty: expected at least one");
  std::set<std::int64_t> seen;
  for (const Value& item : value.as_list()) {
    if (item.kind() != Value::Kind::integer) {
      fail_at(item, "seeds: expected integers ≥ 0, found " + item.description());
    }
    if (item.as_int() < 0) fail_at(item, "seeds: " + item.toml() + " is out of range: integer ≥ 0");
    if (!seen.insert(item.as_int()).second) fail_at(item, "seeds: " + item.toml() + " appears twice");
    seeds.push_back(item.as_int());
  }
  return seeds;
}

SplitParams read_split(const Value& value) {
  Schema<SplitParams> schema;
  describe_split(schema);
  const Table& table = table_of(value, "[task.split]");
  const SplitParams split = schema.parse(table, "[task.split]");
  for (const auto& [half, size] :
       {std::pair("supervisor", split.supervisor), std::pair("transfer", split.transfer)}) {
    if (size > 0 && split.validation >= size) {
      fail_at(table.at(half), "[task.split]: validation = " + std::to_string(split.validation) +
                                  " leaves nothing of the " + half + " half of " + std::to_string(size) +
                                  " to train on");
    }
  }
  return split;
}

void read_task(const Value& value, Experiment& out) {
  out.task = Spec::parse(value, "[task]");
  out.task_name = out.task.type;
  if (const Value* name = out.task.params.find("name")) {
    out.task_name = string_of(*name, "[task]: name");
    check_name(out.task_name, name->source(), "[task]: name");
  }
  if (const Value* split = out.task.params.find("split")) out.split = read_split(*split);
  out.task.params = without(std::move(out.task.params), {"name", "split"});
}

Table read_train(const Value& value, const std::string& what) {
  const Table& table = table_of(value, what);
  parse_train(table, what);
  return table;
}

PretrainSpec read_pretrain(const Value& value, const std::string& what) {
  const Table& table = table_of(value, what);
  const std::vector<std::string> own = {"objective", "examples", "seed"};
  Schema<TrainParams> train;
  describe_train(train);
  std::vector<std::string> known = own;
  for (const auto& field : train.fields()) known.push_back(field->name());
  check_keys(table, known, what + ": ");

  const PretrainParams params = parse<PretrainParams>(only(table, own), what);
  PretrainSpec out{params.objective, without(table, own), params.examples, params.seed};
  parse_train(out.train, what);
  return out;
}

ModelSpec read_model(const std::string& name, const Value& value) {
  const std::string what = "model '" + name + "'";
  check_name(name, value.source(), "model");
  ModelSpec model;
  model.name = name;
  model.spec = Spec::parse(value, what);
  const Table& params = model.spec.params;
  model.init = parse<InitParams>(only(params, {"init"}), what).init;
  if (const Value* train = params.find("train")) model.train = read_train(*train, what + ": train");
  if (const Value* pretrain = params.find("pretrain"))
    model.pretrain = read_pretrain(*pretrain, what + ": pretrain");
  model.spec.params = without(std::move(model.spec.params), {"init", "train", "pretrain"});
  return model;
}

void check_model(const Experiment& experiment, const Value& name, const std::string& what,
                 const std::string& owner = "[pairs]") {
  std::vector<std::string> names;
  for (const ModelSpec& model : experiment.models) names.push_back(model.name);
  if (std::find(names.begin(), names.end(), name.as_string()) != names.end()) return;
  fail_at(name, owner + ": " + what + " = '" + name.as_string() + "' is not in [models]" +
                    did_you_mean(name.as_string(), names) + "; there is " + one_of_list(names));
}

// Who labels from outside has a name of its own on the weak side: the type, or what `weak` says.
void read_outside_pair(const Value& value, const PairParams& params, Experiment& out) {
  const Table& table = value.as_table();
  const std::string type = name_of(out.supervisor.kind);
  if (const Value* ladder = table.find("ladder")) {
    fail_at(*ladder,
            "[pairs]: a ladder needs weak models: with [supervisor] type = \"" + type + "\" expected strong");
  }
  if (!params.strong)
    fail_at(value, "[pairs]: strong is missing: the model that learns from the supervisor's labels");
  check_model(out, table.at("strong"), "strong");
  if (const Value* weak = table.find("weak")) {
    check_name(*params.weak, weak->source(), "[pairs]: weak");
    for (const ModelSpec& model : out.models) {
      if (model.name != *params.weak) continue;
      fail_at(*weak, "[pairs]: weak = '" + *params.weak +
                         "' is a model, but the labels come from [supervisor] type = \"" + type +
                         "\": leave weak out, or give the supervisor another name");
    }
  }
  out.pairs = {{params.weak.value_or(type), *params.strong}};
}

void read_outside_supervisor(const Value& value, Experiment& out) {
  out.supervisor = read_supervisor(value);
  for (const char* key : {"accuracy_of", "judge"}) {
    const Value* name = value.is_table() ? value.as_table().find(key) : nullptr;
    if (name && !name->as_string().empty()) check_model(out, *name, key, "[supervisor]");
  }
}

void read_pairs(const Value& value, Experiment& out) {
  const Table& table = table_of(value, "[pairs]");
  const PairParams params = parse<PairParams>(table, "[pairs]");
  out.ceiling_on = params.ceiling_on;
  if (out.supervisor.outside()) {
    read_outside_pair(value, params, out);
    NoiseSupervisor& noise = out.supervisor.noise;
    if (noise.needs_judge() && noise.judge.empty()) noise.judge = out.pairs[0].strong;
    return;
  }

  const Value* ladder = table.find("ladder");
  if (ladder && (params.weak || params.strong))
    fail_at(*ladder, "[pairs]: expected weak and strong, or ladder, not both");
  if (!ladder && (!params.weak || !params.strong)) {
    const char* missing = params.weak ? "strong is missing: " : params.strong ? "weak is missing: " : "";
    fail_at(value, std::string("[pairs]: ") + missing + "expected weak and strong, or ladder");
  }
  if (!ladder) {
    check_model(out, table.at("weak"), "weak");
    check_model(out, table.at("strong"), "strong");
    if (*params.weak == *params.strong) {
      fail_at(table.at("strong"),
              "[pairs]: weak and strong are both '" + *params.weak + "': expected two models");
    }
    out.pairs = {{*params.weak, *params.strong}};
    return;
  }
  if (params.ladder.size() < 2) {
    fail_at(*ladder,
            "[pairs]: ladder has " + std::to_string(params.ladder.size()) + " models: expected at least two");
  }
  for (std::size_t j = 0; j < params.ladder.size(); ++j) {
    const Value& rung = ladder->as_list()[j];
    check_model(out, rung, "ladder[" + std::to_string(j) + "]");
    if (std::find(params.ladder.begin(), params.ladder.begin() + static_cast<std::ptrdiff_t>(j),
                  params.ladder[j]) != params.ladder.begin() + static_cast<std::ptrdiff_t>(j)) {
      fail_at(rung, "[pairs]: ladder names '" + params.ladder[j] + "' twice");
    }
  }
  for (std::size_t i = 0; i < params.ladder.size(); ++i) {
    for (std::size_t j = i + 1; j < params.ladder.size(); ++j)
      out.pairs.push_back({params.ladder[i], params.ladder[j]});
  }
}

MethodSpec read_method(const std::string& name, const Value& value) {
  const std::string what = "method '" + name + "'";
  check_name(name, value.source(), "method");
  const Table& table = table_of(value, what);
  check_keys(table, {"loss", "strategy", "train"}, what + ": ");
  MethodSpec method;
  method.name = name;
  method.source = value.source();
  if (const Value* loss = table.find("loss")) method.loss = Spec::parse(*loss, what + ": loss");
  if (const Value* strategy = table.find("strategy")) {
    const std::string label = what + ": strategy";
    if (strategy->is_list()) {
      for (const Value& item : strategy->as_list()) method.strategy.push_back(Spec::parse(item, label));
    } else {
      method.strategy.push_back(Spec::parse(*strategy, label));
    }
  }
  if (const Value* train = table.find("train")) method.train = read_train(*train, what + ": train");
  return method;
}

void read_plugins(const Value& value, Experiment& out) {
  const Table& table = table_of(value, "[plugins]");
  PluginParams params = parse<PluginParams>(table, "[plugins]");
  for (std::size_t i = 0; i < params.sources.size(); ++i) {
    if (std::filesystem::is_regular_file(params.sources[i])) continue;
    fail_at(table.at("sources").as_list()[i],
            "[plugins]: there is no source file '" + params.sources[i] + "'");
  }
  out.plugin_paths = std::move(params.paths);
  out.plugin_sources = std::move(params.sources);
}

const Value& required(const Table& root, const std::string& file, const std::string& key,
                      const std::string& expected) {
  if (const Value* value = root.find(key)) return *value;
  fail_at(Source{file, 0, 0}, key + " is missing: expected " + expected);
}

}  // namespace

void describe_split(Schema<SplitParams>& s) {
  s.summary(
      "How the training rows become two halves, and which test rows are used. Sizes count examples; 0 = "
      "all.");
  s.field("supervisor", &SplitParams::supervisor, "supervisor half, its validation examples included")
      .at_least(0);
  s.field("transfer", &SplitParams::transfer, "transfer half, its validation examples included").at_least(0);
  s.field("validation", &SplitParams::validation, "held out of each half for early stopping and model choice")
      .at_least(0);
  s.field("test", &SplitParams::test, "each test set: a fixed subset, the same for every seed").at_least(0);
  s.field("max_class_share", &SplitParams::max_class_share, "a class above this share is thinned out")
      .above(0)
      .at_most(1);
  s.field("balanced_test", &SplitParams::balanced_test, "as many test examples of each class");
  s.field("seed", &SplitParams::seed, "of the test subset; the halves follow the run's seed").at_least(0);
}

namespace {

template <class Named>
const Named& named(const std::vector<Named>& all, std::string_view name, const std::string& what) {
  std::vector<std::string> names;
  for (const Named& one : all) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  throw UsageError("there is no " + what + " '" + std::string(name) + "'" + did_you_mean(name, names) +
                   "; [" + what + "s] has " + one_of_list(names));
}

}  // namespace

const ModelSpec& Experiment::model(std::string_view name) const { return named(models, name, "model"); }

const MethodSpec& Experiment::method(std::string_view name) const { return named(methods, name, "method"); }

Experiment read_experiment(const Table& root, const std::string& file) {
  check_keys(root, kTopLevel, "");
  Experiment out;

  out.name = std::filesystem::path(file).stem().string();
  Source name_source{file, 0, 0};
  if (const Value* name = root.find("name"))
    out.name = string_of(*name, "name"), name_source = name->source();
  check_name(out.name, name_source, "name");

  out.seeds = {0};
  if (const Value* seeds = root.find("seeds")) out.seeds = read_seeds(*seeds);
  read_task(required(root, file, "task", "[task] with a type"), out);

  const Value& models = required(root, file, "models", "a table [models.NAME] for each model");
  for (const auto& [name, value] : table_of(models, "[models]"))
    out.models.push_back(read_model(name, value));
  if (const Value* supervisor = root.find("supervisor")) read_outside_supervisor(*supervisor, out);
  read_pairs(required(root, file, "pairs", "[pairs] with weak and strong, or ladder"), out);
  if (const Value* train = root.find("train")) out.train = read_train(*train, "[train]");

  if (const Value* methods = root.find("methods")) {
    for (const auto& [name, value] : table_of(*methods, "[methods]"))
      out.methods.push_back(read_method(name, value));
  }
  if (out.methods.empty()) out.methods.push_back({"naive", {}, {}, {}, {file, 0, 0}});
  if (const Value* plugins = root.find("plugins")) read_plugins(*plugins, out);
  if (const Value* launcher = root.find("launcher")) {
    Schema<LauncherParams> schema;
    describe_launcher(schema);
    out.launcher = schema.parse(table_of(*launcher, "[launcher]"), "[launcher]");
  }
  if (const Value* variant = root.find("variant")) out.variant = table_of(*variant, "[variant]");
  return out;
}

}  // namespace w2s
