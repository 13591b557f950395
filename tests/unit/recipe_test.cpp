// What a stored result depends on changes its key, and nothing else does.
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include <w2s/plugin.hpp>

#include "../support/plugins.hpp"
#include "base/files.hpp"
#include "base/run_program.hpp"
#include "check/tiny_world.hpp"
#include "config/settings.hpp"
#include "lab/pretrainer.hpp"
#include "lab/students.hpp"
#include "lab/wanted_fit.hpp"
#include "plan/plan.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

// Another value of each setting of [train], as TOML.
const std::map<std::string, std::string> kOtherSettings = {{"epochs", "3"},
                                                           {"batch", "16"},
                                                           {"optimizer", "'sgd'"},
                                                           {"lr", "0.5"},
                                                           {"betas", "[0.8, 0.999]"},
                                                           {"eps", "1e-6"},
                                                           {"momentum", "0.5"},
                                                           {"weight_decay", "0.1"},
                                                           {"schedule", "'constant'"},
                                                           {"warmup", "0.1"},
                                                           {"clip_norm", "1.0"},
                                                           {"shuffle", "false"},
                                                           {"trainable", "'head'"},
                                                           {"head_bias", "true"},
                                                           {"head_init", "'label_words'"},
                                                           {"label_words", "['a', 'b']"},
                                                           {"precision", "'bfloat16'"},
                                                           {"standardize", "true"},
                                                           {"labels", "'hard'"},
                                                           {"early_stopping", "true"},
                                                           {"evaluate_every", "7"},
                                                           {"patience", "2"},
                                                           {"micro_tokens", "64"},
                                                           {"activation_tokens", "64"}};

// Rooms of a lab over a task that is made up: fits are settled here, not trained.
class FitRecipe : public testing::Test {
 protected:
  FitRecipe() {
    for (const auto& [name, width] : {std::pair{"one", 4}, std::pair{"two", 8}}) {
      ModelSpec model;
      model.name = name;
      model.spec = {"mlp", Table{{"hidden", List{width}}}, {}};
      experiment_.models.push_back(model);
    }
    const Examples all = examples_of(blobs(40, 2, 3, 1.0, 1));
    data_.classes = 2;
    data_.class_names = {"no", "yes"};
    data_.train = all;
    splits_.supervisor.train = all.slice(0, 10);
    splits_.transfer.train = all.slice(10, 20);
    splits_.tests["test"] = all.slice(20, 40);
    labels_ = Supervision::truth(all.slice(10, 20), 2);
    spec_.model = "one";
  }

  std::string key(const Supervision& labels, const FitSpec& spec) {
    LabSetup setup;
    setup.experiment = &experiment_;
    setup.registry = &plugins();
    setup.store = &store_;
    setup.data = &data_;
    setup.splits = &splits_;
    LabContext context(setup);
    Pretrainer pretrainer(context);
    Backbones backbones(context, pretrainer);
    const Drafts drafts{context,
                        [](const Student&, const Examples& examples) {
                          return at::ones({examples.size(), 2});
                        },
                        [](const Student&, const Examples&) { return Answers(); }};
    const Writer writer(context, backbones, drafts);
    return want_fit(context, backbones, writer, drafts, labels, spec).keys[0];
  }
  std::string key(const FitSpec& spec) { return key(labels_, spec); }

  ScratchFolder folder_;
  Store store_{folder_.path()};
  Experiment experiment_;
  TaskData data_;
  Splits splits_;
  Supervision labels_;
  FitSpec spec_;
};

TEST_F(FitRecipe, IsTheSameForTheSameFit) { EXPECT_EQ(key(spec_), key(spec_)); }

TEST_F(FitRecipe, HasEverySettingOfTrain) {
  Schema<TrainParams> schema;
  describe_train(schema);
  std::set<std::string> keys{key(spec_)};
  std::size_t settings = 0;
  for (const auto& field : schema.fields()) {
    const auto other = kOtherSettings.find(field->name());
    ASSERT_NE(other, kOtherSettings.end())
        << "give the setting '" << field->name() << "' another value above";
    FitSpec changed = spec_;
    const Value written = parse_toml(field->name() + " = " + other->second, "test");
    changed.train = parse_train(merge(table_of(spec_.train), written.as_table()), "test");
    EXPECT_TRUE(keys.insert(key(changed)).second) << field->name();
    ++settings;
  }
  EXPECT_EQ(settings, kOtherSettings.size());
}

TEST_F(FitRecipe, HasEveryFieldOfAFitSpec) {
  // A field that is added has to be named here, and tried below.
  [[maybe_unused]] const auto& [model, start, train, loss, validation, rule, draft, rejected, weight_average,
                                seed] = spec_;
  std::set<std::string> keys{key(spec_)};
  const auto differs = [&](const char* what, const std::function<void(FitSpec&)>& change) {
    FitSpec changed = spec_;
    change(changed);
    EXPECT_TRUE(keys.insert(key(changed)).second) << what;
  };
  differs("model", [](FitSpec& s) { s.model = "two"; });
  differs("loss", [](FitSpec& s) { s.loss = {"gce", {}, {}}; });
  differs("loss parameter", [](FitSpec& s) { s.loss = {"gce", Table{{"q", 0.5}}, {}}; });
  differs("validation", [&](FitSpec& s) {
    s.train.early_stopping = true;
    s.validation = labels_;
  });
  differs("validation's labels", [&](FitSpec& s) {
    s.train.early_stopping = true;
    s.validation = labels_.select({0, 1});
  });
  const StepPlan rule_of_one{{"co_teaching", {}, {}}, 1, {}};
  differs("rule", [&](FitSpec& s) { s.rule = rule_of_one; });
  differs("rule's students", [&](FitSpec& s) {
    s.rule = rule_of_one;
    s.rule->students = 2;
  });
  differs("rule's parameter", [&](FitSpec& s) {
    s.rule = rule_of_one;
    s.rule->owner.params = Table{{"noise", 0.25}};
  });
  differs("weight_average", [](FitSpec& s) { s.weight_average = 0.5; });
  differs("seed", [](FitSpec& s) { s.seed = 1; });
}

TEST_F(FitRecipe, HasLabelsWeightsAndInputs) {
  std::set<std::string> keys{key(spec_)};
  const auto differs = [&](const char* what, const Supervision& labels) {
    EXPECT_TRUE(keys.insert(key(labels, spec_)).second) << what;
  };
  Supervision changed = labels_;
  changed.targets = 1 - labels_.targets;
  differs("targets", changed);
  changed = labels_;
  changed.weights = labels_.weights * 2;
  differs("weights", changed);
  differs("examples", labels_.select({0, 1, 2}));
  differs("their order", labels_.select({1, 0, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(PluginRecipe, HasTheFilesOfPluginsNestedInIt) {
  const ScratchFolder folder;
  const std::string text = folder.path() + "/text.txt";
  std::ofstream(text) << "one\n";
  const Spec tuned{"generative_finetune",
                   Table{{"objective", Spec{"language_model", Table{{"files", List{text}}}, {}}.value()}},
                   {}};
  const std::string before = plugin_recipe(plugins(), PluginKind::strategy, tuned).key();
  EXPECT_EQ(before, plugin_recipe(plugins(), PluginKind::strategy, tuned).key());
  std::ofstream(text) << "another\n";
  EXPECT_NE(before, plugin_recipe(plugins(), PluginKind::strategy, tuned).key());
}

TEST(PluginRecipe, HasEveryNumberAndSwitchOfEveryPlugin) {
  std::size_t tried = 0;
  for (const PluginInfo* plugin : plugins().list()) {
    if (plugin->kind == PluginKind::task || plugin->kind == PluginKind::model) continue;  // these read files
    const std::unique_ptr<SchemaBase> schema = plugins().schema(plugin->kind, plugin->name);
    bool needs_something = false;
    for (const auto& field : schema->fields()) needs_something = needs_something || field->is_required();
    if (needs_something) continue;
    const std::string usual = plugin_recipe(plugins(), plugin->kind, {plugin->name, {}, {}}).key();
    for (const auto& [name, value] : schema->defaults()) {
      Table params;
      if (value.kind() == Value::Kind::boolean) params.set(name, !value.as_bool());
      if (value.kind() == Value::Kind::integer) params.set(name, value.as_int() + 1);
      if (value.kind() == Value::Kind::real) params.set(name, value.as_real() * 0.75 + 0.0625);
      if (params.empty()) continue;
      try {
        EXPECT_NE(usual, plugin_recipe(plugins(), plugin->kind, {plugin->name, params, {}}).key())
            << plugin->id() << " " << name;
        ++tried;
      } catch (const UsageError&) {  // out of its range
      }
    }
  }
  EXPECT_GT(tried, 60u);
}

// ---- jobs

const char* const kExperiment = R"(
name = "keys"
seeds = [0]
[task]
type = "gaussian_mixture"
[task.split]
supervisor = 100
transfer = 100
test = 50
[models.small]
type = "mlp"
hidden = [4]
[models.middle]
type = "mlp"
hidden = [8]
[models.large]
type = "mlp"
hidden = [16]
[pairs]
weak = "small"
strong = "large"
[methods.plain]
[methods.steps]
strategy = { type = "bootstrap", ladder = ["middle"] }
)";

std::set<std::string> keys_of(const std::vector<std::string>& set) {
  Overrides overrides;
  overrides.set = set;
  const Plan plan = make_plan(parse_experiments(kExperiment, "keys.toml", overrides), plugins(), nullptr);
  std::set<std::string> keys;
  for (const Job& job : plan.jobs) {
    keys.insert(job.key);
    EXPECT_EQ(job.key, plan.recipe(job).key());
  }
  return keys;
}

// How many of the four jobs (floor, ceiling, two students) are others.
std::size_t changed(const std::vector<std::string>& set) {
  std::size_t count = 0;
  const std::set<std::string> before = keys_of({});
  for (const std::string& key : keys_of(set)) count += before.count(key) == 0;
  return count;
}

TEST(JobRecipe, HasTaskSplitAndSeed) {
  EXPECT_EQ(keys_of({}).size(), 4u);
  EXPECT_EQ(changed({}), 0u);
  EXPECT_EQ(changed({"seeds=[1]"}), 4u);
  Schema<SplitParams> schema;
  describe_split(schema);
  const std::map<std::string, std::string> other = {
      {"supervisor", "90"},       {"transfer", "90"},         {"validation", "10"}, {"test", "40"},
      {"max_class_share", "0.6"}, {"balanced_test", "false"}, {"seed", "1"}};
  for (const auto& field : schema.fields()) {
    ASSERT_TRUE(other.count(field->name())) << "give '" << field->name() << "' another value above";
    EXPECT_EQ(changed({"task.split." + field->name() + "=" + other.at(field->name())}), 4u) << field->name();
  }
}

TEST(JobRecipe, HasTheModelsThatItUses) {
  EXPECT_EQ(changed({"models.large.hidden=[17]"}), 3u);  // ceiling and students
  EXPECT_EQ(changed({"models.small.hidden=[5]"}), 3u);   // floor and students
  EXPECT_EQ(changed({"models.middle.hidden=[9]"}), 1u);  // the student that goes through it
  EXPECT_EQ(changed({"models.large.train.epochs=5"}), 3u);
  EXPECT_EQ(changed({"models.small.train.epochs=5"}), 3u);
  EXPECT_EQ(changed({"models.middle.train.epochs=5"}), 1u);
  EXPECT_EQ(changed({"train.epochs=5"}), 4u);
  EXPECT_EQ(changed({"pairs.ceiling_on=supervisor"}), 4u);  // part of the protocol
}

TEST(JobRecipe, HasTheMethod) {
  EXPECT_EQ(changed({"methods.plain.loss=gce"}), 1u);
  EXPECT_EQ(changed({"methods.plain.train.epochs=7"}), 1u);
  EXPECT_EQ(changed({"methods.plain.strategy=linear_probe"}), 1u);
  EXPECT_EQ(changed({"methods.steps.strategy.fresh_examples=true"}), 1u);
}

TEST(JobRecipe, HasEveryFieldOfAModel) {
  const ModelSpec model;
  // A field that is added has to be named here, and tried above or below.
  [[maybe_unused]] const auto& [name, spec, init, pretrain, train] = model;
  const ScratchFolder folder;
  std::ofstream(folder.path() + "/weights.safetensors") << "one";
  const std::string init_file = "models.large.init='" + folder.path() + "/weights.safetensors'";
  EXPECT_EQ(changed({init_file}), 3u);
  const std::set<std::string> before = keys_of({init_file});
  std::ofstream(folder.path() + "/weights.safetensors") << "another";
  EXPECT_NE(before, keys_of({init_file}));
  const std::string objective = "models.large.pretrain.objective=simclr";
  const auto pretrained = [&](const std::string& more) {
    std::vector<std::string> set{objective};
    if (!more.empty()) set.push_back(more);
    return keys_of(set);
  };
  const std::set<std::string> usual = pretrained("");
  EXPECT_EQ(usual.size(), 5u);
  for (const char* more : {"models.large.pretrain.epochs=3", "models.large.pretrain.examples=10",
                           "models.large.pretrain.seed=1"}) {
    EXPECT_NE(usual, pretrained(more)) << more;
  }
}

// ---- parts of our own code

class CodeParts : public testing::Test {
 protected:
  CodeParts() {
    for (const char* folder : {"include/w2s", "src/engine"}) fs::create_directories(core() + "/" + folder);
    write("include/w2s/a.hpp", "int a();\n");
    write("src/engine/b.cpp", "int b() { return 1; }\n");
    write("code_parts.txt", "sdk include\nengine src/engine\n");
  }
  std::string core() const { return folder_.path(); }
  void write(const std::string& file, const std::string& text) { std::ofstream(core() + "/" + file) << text; }
  // What the build writes, or what it says where it stops.
  std::string made(int* status = nullptr) {
    const ProgramResult result =
        run_program({std::string(W2S_BINARY_DIR) + "/bin/w2s-code-parts", "core=" + core(),
                     "output=" + core() + "/parts", "depfile=" + core() + "/parts.d"});
    if (status != nullptr) *status = result.status;
    return result.status == 0 ? read_file(core() + "/parts") : result.output;
  }

  ScratchFolder folder_;
};

TEST_F(CodeParts, ChangeWithTheCodeAndNotWithItsComments) {
  const std::string before = made();
  write("src/engine/b.cpp", "// One.\nint b() {\n  return 1;  // always\n}\n");
  EXPECT_EQ(made(), before);
  write("src/engine/b.cpp", "int b() { return 2; }\n");
  EXPECT_NE(made(), before);
}

TEST_F(CodeParts, FoldersBelowCount) {
  const std::string before = made();
  fs::create_directories(core() + "/src/engine/kernels");
  write("src/engine/kernels/c.cpp", "int c();\n");
  EXPECT_NE(made(), before);
}

TEST_F(CodeParts, ASourceInNoPartStopsTheBuild) {
  fs::create_directories(core() + "/src/newroom");
  write("src/newroom/d.cpp", "int d();\n");
  int status = 0;
  const std::string said = made(&status);
  EXPECT_EQ(status, 1);
  EXPECT_NE(said.find("core/src/newroom/d.cpp is in no part"), std::string::npos) << said;
}

TEST_F(CodeParts, ALineWithoutSourcesStopsTheBuild) {
  write("code_parts.txt", "sdk include\nengine src/engine\ntext src/text\n");
  int status = 0;
  EXPECT_NE(made(&status).find("no source begins with 'src/text'"), std::string::npos);
  EXPECT_EQ(status, 1);
}

}  // namespace
}  // namespace w2s
