#include "config/experiment.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace w2s {
namespace {

namespace fs = std::filesystem;

const char* const kExperiment = R"(name = "digits"
seeds = [3, 1]

[task]
type = "idx"
name = "mnist"
images = "data/images.gz"
[task.split]
supervisor = 100
validation = 10

[models.small]
type = "mlp"
hidden = [32]
train = { epochs = 1 }
[models.large]
type = "conv"
init = "checkpoints/large"
[models.large.pretrain]
objective = { type = "simclr", temperature = 0.2 }
examples = 1000
epochs = 5
lr = 1e-3

[pairs]
weak = "small"
strong = "large"

[train]
lr = 1e-4
trainable = "last:2"

[methods.naive]
[methods.best]
loss = { type = "gce", q = 0.7 }
strategy = ["confidence_filter", { type = "bootstrap", ladder = ["small"] }]
[methods.best.train]
lr = 0.01
[methods.aux]
loss = "aux_confidence"
)";

Experiment parse_one(const std::string& text, const Overrides& overrides = {}) {
  const auto all = parse_experiments(text, "dir/x.toml", overrides);
  EXPECT_EQ(all.size(), 1u);
  return all.at(0);
}

Experiment with_set(const std::vector<std::string>& set) { return parse_one(kExperiment, {set, {}, {}}); }

std::vector<std::string> names_of(const std::vector<MethodSpec>& methods) {
  std::vector<std::string> out;
  for (const MethodSpec& method : methods) out.push_back(method.name);
  return out;
}

TEST(Experiment, ReadsEveryTable) {
  const Experiment e = parse_one(kExperiment);
  EXPECT_EQ(e.name, "digits");
  EXPECT_EQ(e.seeds, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(e.task_name, "mnist");
  EXPECT_EQ(e.task.value().toml(), "{ type = \"idx\", images = \"data/images.gz\" }");
  EXPECT_EQ(e.split.supervisor, 100);
  EXPECT_EQ(e.split.validation, 10);
  EXPECT_EQ(e.split.max_class_share, 0.55);

  ASSERT_EQ(e.models.size(), 2u);
  EXPECT_EQ(e.model("small").spec.value().toml(), "{ type = \"mlp\", hidden = [32] }");
  EXPECT_EQ(e.model("small").train.at("epochs").as_int(), 1);
  EXPECT_FALSE(e.model("small").pretrain);
  const ModelSpec& large = e.model("large");
  EXPECT_EQ(large.init, (fs::current_path() / "dir/checkpoints/large").string());
  EXPECT_TRUE(large.spec.params.empty());
  EXPECT_EQ(large.pretrain->objective.value().toml(), "{ type = \"simclr\", temperature = 0.2 }");
  EXPECT_EQ(large.pretrain->examples, 1000);
  EXPECT_EQ(large.pretrain->train.keys(), (std::vector<std::string>{"epochs", "lr"}));

  ASSERT_EQ(e.pairs.size(), 1u);
  EXPECT_EQ(e.pairs[0].weak, "small");
  EXPECT_EQ(e.ceiling_on, HalfName::transfer);
  EXPECT_EQ(e.train.at("trainable").as_string(), "last:2");
  EXPECT_EQ(names_of(e.methods), (std::vector<std::string>{"naive", "best", "aux"}));
  EXPECT_TRUE(e.methods[0].loss.empty());
  EXPECT_EQ(e.methods[1].loss.source.text(), "dir/x.toml:35:1");
  EXPECT_EQ(e.methods[1].strategy.at(1).type, "bootstrap");
  EXPECT_EQ(e.methods[1].train.at("lr").as_real(), 0.01);
  EXPECT_EQ(e.methods[2].loss.type, "aux_confidence");
}

const char* const kMinimal = R"(task.type = "toy"
models = { a = "mlp", b = { type = "mlp" }, c = { type = "mlp" } }
pairs.ladder = ["a", "b", "c"]
)";

TEST(Experiment, HasDefaults) {
  const Experiment e = parse_one(kMinimal);
  EXPECT_EQ(e.name, "x");
  EXPECT_EQ(e.seeds, std::vector<std::int64_t>{0});
  EXPECT_EQ(e.task_name, "toy");
  EXPECT_EQ(names_of(e.methods), std::vector<std::string>{"naive"});
}

TEST(Experiment, ALadderPairsEveryModelWithEveryLaterOne) {
  std::string pairs;
  for (const Pair& pair : parse_one(kMinimal).pairs) pairs += pair.weak + pair.strong + " ";
  EXPECT_EQ(pairs, "ab ac bc ");
}

TEST(Experiment, ANumberOfSeedsCountsFromZero) {
  EXPECT_EQ(parse_one(std::string("seeds = 3\n") + kMinimal).seeds, (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(Experiment, AStrategyMayStandAlone) {
  const Experiment e = parse_one(std::string(kMinimal) + "methods.lp.strategy = \"linear_probe\"\n");
  ASSERT_EQ(e.methods[0].strategy.size(), 1u);
  EXPECT_EQ(e.methods[0].strategy[0].type, "linear_probe");
}

TEST(Experiment, NamesTheNearestModel) {
  try {
    parse_one(kExperiment).model("smal");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "there is no model 'smal' (did you mean 'small'?); [models] has 'small' or 'large'");
  }
}

TEST(Experiment, TextReadsBackEqual) {
  for (const std::string& text : {std::string(kExperiment), std::string(kMinimal)}) {
    const Experiment e = parse_one(text);
    const Experiment again = parse_one(e.to_toml());
    EXPECT_EQ(again.to_toml(), e.to_toml());
    EXPECT_EQ(again.name, e.name);
    EXPECT_EQ(again.seeds, e.seeds);
    EXPECT_EQ(again.task, e.task);
    EXPECT_EQ(again.pairs.size(), e.pairs.size());
    EXPECT_EQ(Value(again.train), Value(e.train));
    EXPECT_EQ(names_of(again.methods), names_of(e.methods));
    for (std::size_t i = 0; i < e.methods.size(); ++i) {
      EXPECT_EQ(again.methods[i].loss, e.methods[i].loss);
      EXPECT_EQ(again.methods[i].strategy, e.methods[i].strategy);
      EXPECT_EQ(Value(again.methods[i].train), Value(e.methods[i].train));
    }
    for (std::size_t i = 0; i < e.models.size(); ++i) {
      EXPECT_EQ(again.models[i].spec, e.models[i].spec);
      EXPECT_EQ(again.models[i].init, e.models[i].init);
      EXPECT_EQ(Value(again.models[i].train), Value(e.models[i].train));
      EXPECT_EQ(again.models[i].pretrain.has_value(), e.models[i].pretrain.has_value());
    }
  }
}

TEST(Experiment, TextOfASweepsPointReadsBackEqual) {
  for (const Experiment& e : parse_experiments(kExperiment, "dir/x.toml", {{}, {"train.lr=0.1,0.2"}, {}})) {
    const Experiment again = parse_one(e.to_toml());
    EXPECT_EQ(again.to_toml(), e.to_toml());
    EXPECT_EQ(Value(again.variant), Value(e.variant));
  }
}

TEST(LoadExperiments, FindsPluginsBesideTheFile) {
  const fs::path folder = fs::path(testing::TempDir()) / "w2s_experiment_test";
  fs::create_directories(folder);
  std::ofstream(folder / "loss.cpp") << "// a plugin\n";
  std::ofstream(folder / "e.toml") << kMinimal << "[plugins]\nsources = [\"loss.cpp\"]\npaths = [\"more\"]\n";
  const Experiment e = load_experiments((folder / "e.toml").string()).at(0);
  EXPECT_EQ(e.name, "e");
  EXPECT_EQ(e.plugin_sources, std::vector<std::string>{(folder / "loss.cpp").lexically_normal().string()});
  EXPECT_EQ(e.plugin_paths, std::vector<std::string>{(folder / "more").lexically_normal().string()});
  EXPECT_EQ(parse_one(e.to_toml()).plugin_sources, e.plugin_sources);
  fs::remove_all(folder);
}

TEST(Set, TakesTomlAndBareWords) {
  EXPECT_EQ(with_set({"train.lr=1e-3"}).train.at("lr").as_real(), 1e-3);
  EXPECT_EQ(with_set({"train.lr = .5"}).train.at("lr").as_real(), 0.5);
  EXPECT_EQ(with_set({"name=other"}).name, "other");
  EXPECT_EQ(with_set({"name=\"an other\""}).name, "an other");
  EXPECT_EQ(with_set({"task.images=/data/t10k.gz"}).task.params.at("images").as_string(), "/data/t10k.gz");
  EXPECT_EQ(with_set({"seeds=[7, 8]"}).seeds, (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(with_set({"task.day=2024-01-01"}).task.params.at("day").as_string(), "2024-01-01");
}

TEST(Set, MakesNewKeysAndTables) {
  EXPECT_EQ(with_set({"methods.new.loss=mae"}).methods.back().loss.type, "mae");
  EXPECT_EQ(with_set({"models.small.train.batch=8"}).model("small").train.at("batch").as_int(), 8);
  EXPECT_EQ(with_set({"methods.\"a.b\".loss=mae"}).methods.back().name, "a.b");
}

TEST(Set, OpensAPluginWrittenAsAName) {
  const Experiment e = with_set({"methods.aux.loss.alpha_max=.75", "methods.best.strategy.0.keep=0.3"});
  EXPECT_EQ(e.methods[2].loss.value().toml(), "{ type = \"aux_confidence\", alpha_max = 0.75 }");
  EXPECT_EQ(e.methods[1].strategy[0].value().toml(), "{ type = \"confidence_filter\", keep = 0.3 }");
}

TEST(Set, AppliesInOrder) { EXPECT_EQ(with_set({"train.lr=1", "train.lr=2"}).train.at("lr").as_real(), 2); }

TEST(Set, IsNamedAsTheSource) {
  EXPECT_EQ(with_set({"train.lr=1"}).train.at("lr").source().text(), "--set train.lr=1");
}

TEST(Seeds, OfTheCommandLineReplaceTheFiles) {
  EXPECT_EQ(parse_one(kExperiment, {{}, {}, {5}}).seeds, std::vector<std::int64_t>{5});
}

TEST(Sweep, ExpandsTheGridWithTheFirstKeySlowest) {
  const std::string text =
      std::string(kExperiment) +
      "[sweep]\n\"train.lr\" = [0.1, 0.2]\n\"methods.aux.loss.alpha_max\" = [0.5, 0.75, 1]\n";
  std::string points;
  for (const Experiment& e : parse_experiments(text, "dir/x.toml")) {
    EXPECT_EQ(e.train.at("lr"), e.variant.at("train.lr"));
    EXPECT_EQ(e.methods[2].loss.params.at("alpha_max"), e.variant.at("methods.aux.loss.alpha_max"));
    points += Value(e.variant).canonical() + "\n";
  }
  EXPECT_EQ(points,
            "{\"methods.aux.loss.alpha_max\":0.5,\"train.lr\":0.1}\n"
            "{\"methods.aux.loss.alpha_max\":0.75,\"train.lr\":0.1}\n"
            "{\"methods.aux.loss.alpha_max\":1,\"train.lr\":0.1}\n"
            "{\"methods.aux.loss.alpha_max\":0.5,\"train.lr\":0.2}\n"
            "{\"methods.aux.loss.alpha_max\":0.75,\"train.lr\":0.2}\n"
            "{\"methods.aux.loss.alpha_max\":1,\"train.lr\":0.2}\n");
}

TEST(Sweep, OfTheCommandLineReplacesTheValuesOfAKey) {
  const std::string text = std::string(kExperiment) + "[sweep]\ntrain.lr = [0.1, 0.2]\n";
  const auto all = parse_experiments(text, "dir/x.toml", {{}, {"train.lr=0.3"}, {}});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].train.at("lr").as_real(), 0.3);
}

TEST(Sweep, SplitsOnlyAtOuterCommas) {
  const auto all =
      parse_experiments(kExperiment, "dir/x.toml",
                        {{}, {"methods.aux.strategy=[\"a\",\"b\"],[],{type=\"c\",k=\"x,y\"},d"}, {}});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].methods[2].strategy.size(), 2u);
  EXPECT_EQ(all[1].methods[2].strategy.size(), 0u);
  EXPECT_EQ(all[2].methods[2].strategy.at(0).params.at("k").as_string(), "x,y");
  EXPECT_EQ(all[3].methods[2].strategy.at(0).type, "d");
}

TEST(Sweep, MayMakeTrainAndSplit) {
  EXPECT_EQ(parse_experiments(kMinimal, "x.toml", {{}, {"train.lr=1,2"}, {}}).size(), 2u);
  EXPECT_EQ(parse_experiments(kMinimal, "x.toml", {{}, {"task.split.supervisor=1,2"}, {}}).size(), 2u);
  EXPECT_EQ(parse_experiments(kMinimal, "x.toml", {{}, {"models.b.train.lr=1,2"}, {}}).size(), 2u);
}

TEST(ParseTrain, HasTheDefaultsOfTheParams) {
  const TrainParams params = parse_train({}, "[train]");
  EXPECT_EQ(params.epochs, 2);
  EXPECT_EQ(params.betas, (std::vector<double>{0.9, 0.999}));
}

TEST(ParseTrain, DescribesEveryField) {
  Schema<TrainParams> schema;
  describe_train(schema);
  EXPECT_EQ(schema.fields().size(), 24u);
  EXPECT_EQ(schema.resolved(TrainParams{}).size(), 24u);
}

TEST(Merge, LetsTheLaterTableWin) {
  EXPECT_EQ(Value(merge({{"a", 1}, {"b", 2}}, {{"b", 3}, {"c", 4}})).toml(), "{ a = 1, b = 3, c = 4 }");
}

}  // namespace
}  // namespace w2s
