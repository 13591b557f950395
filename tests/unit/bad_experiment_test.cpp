// Every mistake that an experiment file or its overrides can hold gives one exact message.
#include <filesystem>

#include <gtest/gtest.h>

#include "config/experiment.hpp"

namespace w2s {
namespace {

// Lines 1 to 12 of every file below, unless a case replaces one of them.
const std::vector<std::string> kLines = {
    "name = 'x'",       "seeds = 2",      "[task]",       "type = 'idx'", "[models.small]",
    "type = 'mlp'",     "[models.large]", "type = 'mlp'", "[pairs]",      "weak = 'small'",
    "strong = 'large'", "[methods.gce]",  "loss = 'gce'",
};

struct Mistake {
  int line;          // replaced, or 14: added at the end
  const char* text;  // "SET …" and "SWEEP …" are options instead
  const char* message;
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.text; }

std::string message_of(const Mistake& mistake) {
  std::vector<std::string> lines = kLines;
  lines.resize(14);
  Overrides overrides;
  const std::string text = mistake.text;
  if (text.starts_with("SET ")) {
    overrides.set = {text.substr(4)};
  } else if (text.starts_with("SWEEP ")) {
    overrides.sweep = {text.substr(6)};
  } else if (text.starts_with("SEEDS ")) {
    overrides.seeds = {std::stoll(text.substr(6))};
  } else {
    lines[static_cast<std::size_t>(mistake.line) - 1] = text;
  }
  std::string file;
  for (const std::string& line : lines) file += line + "\n";
  try {
    parse_experiments(file, "e.toml", overrides);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

class BadExperiment : public testing::TestWithParam<Mistake> {};

TEST_P(BadExperiment, GivesOneClearMessage) { EXPECT_EQ(message_of(GetParam()), GetParam().message); }

TEST(BadExperiment, TheFileWithoutAMistakeIsGood) { EXPECT_EQ(message_of({14, "", ""}), "no error"); }

INSTANTIATE_TEST_SUITE_P(
    TopLevel, BadExperiment,
    testing::Values(
        Mistake{1, "nme = 'x'",
                "e.toml:1:1: unknown key 'nme' (did you mean 'name'?); it takes name, seeds, task, models, "
                "pairs, supervisor, train, methods, plugins, sweep, variant, launcher"},
        Mistake{14, "[trian]",
                "e.toml:14:2: unknown key 'trian' (did you mean 'train'?); it takes name, seeds, task, "
                "models, pairs, supervisor, train, methods, plugins, sweep, variant, launcher"},
        Mistake{1, "name = 3", "e.toml:1:1: name: expected a string, found an integer (3)"},
        Mistake{1, "name = 'a/b'",
                "e.toml:1:1: name \"a/b\": expected 1 to 100 characters without '/', '\\' or control "
                "characters, not starting with '.'"},
        Mistake{1, "name = ''",
                "e.toml:1:1: name \"\": expected 1 to 100 characters without '/', '\\' or control "
                "characters, not starting with '.'"},
        Mistake{2, "seeds = []", "e.toml:2:1: seeds is empty: expected at least one"},
        Mistake{2, "seeds = 0",
                "e.toml:2:1: seeds = 0 is out of range: how many seeds, in [1, 100000], or a list of seeds"},
        Mistake{2, "seeds = [0, -1]", "e.toml:2:13: seeds: -1 is out of range: integer ≥ 0"},
        Mistake{2, "seeds = [0, 0]", "e.toml:2:13: seeds: 0 appears twice"},
        Mistake{2, "seeds = [0.5]", "e.toml:2:10: seeds: expected integers ≥ 0, found a real (0.5)"},
        Mistake{2, "seeds = 'all'",
                "e.toml:2:1: seeds: expected a list of integers ≥ 0, or how many, found a string (\"all\")"},
        Mistake{2, "seeds = 2024-01-01",
                "e.toml:2:1: dates and times are not used here: write it as a string"},
        Mistake{14, "[models.small]",
                "e.toml:14:1: not TOML: Error while parsing table header: cannot redefine existing "
                "table 'models.small'"}));

INSTANTIATE_TEST_SUITE_P(
    Task, BadExperiment,
    testing::Values(
        Mistake{4, "", "e.toml:3:2: [task] without a type: expected { type = \"…\", … }"},
        Mistake{4, "type = 1", "e.toml:4:1: [task]: type: expected a string, found an integer (1)"},
        Mistake{4, "type = 'idx'\nname = []", "e.toml:5:1: [task]: name: expected a string, found a list"},
        Mistake{4, "type = 'idx'\nsplit = 3",
                "e.toml:5:1: [task.split]: expected a table, found an integer (3)"},
        Mistake{4, "type = 'idx'\nsplit.transfer = -5",
                "e.toml:5:7: [task.split]: transfer = -5 is out of range: integer ≥ 0"},
        Mistake{4, "type = 'idx'\nsplit.transfr = 5",
                "e.toml:5:7: [task.split]: unknown parameter 'transfr' (did you mean 'transfer'?); it takes "
                "supervisor, "
                "transfer, validation, test, max_class_share, balanced_test, seed"},
        Mistake{4, "type = 'idx'\nsplit.max_class_share = nan",
                "e.toml:5:7: [task.split]: max_class_share = nan is out of range: real in (0, 1]"},
        Mistake{4, "type = 'idx'\nsplit = { transfer = 10, validation = 10 }",
                "e.toml:5:11: [task.split]: validation = 10 leaves nothing of the transfer half of 10 to "
                "train on"}));

INSTANTIATE_TEST_SUITE_P(
    Models, BadExperiment,
    testing::Values(Mistake{6, "", "e.toml:5:9: model 'small' without a type: expected { type = \"…\", … }"},
                    Mistake{6, "type = ''", "e.toml:5:9: model 'small': the name is empty"},
                    Mistake{6, "type = 'mlp'\ninit = 3",
                            "e.toml:7:1: model 'small': init: expected string, found an integer (3)"},
                    Mistake{6, "type = 'mlp'\ntrain.epoch = 3",
                            "e.toml:7:7: model 'small': train: unknown parameter 'epoch' (did you mean "
                            "'epochs'?); it takes epochs, "
                            "batch, optimizer, lr, betas, eps, momentum, weight_decay, schedule, warmup, "
                            "clip_norm, shuffle, trainable, "
                            "precision, head_bias, head_init, label_words, standardize, labels, "
                            "early_stopping, evaluate_every, patience, "
                            "micro_tokens, activation_tokens"},
                    Mistake{6, "type = 'mlp'\npretrain.epochs = 3",
                            "e.toml:7:1: model 'small': pretrain: 'objective' is missing: what is learnt "
                            "(objective: a name or { type = "
                            "\"…\", … })"},
                    Mistake{
                        6, "type = 'mlp'\npretrain = { objective = 'simclr', examples = -1 }",
                        "e.toml:7:36: model 'small': pretrain: examples = -1 is out of range: integer ≥ 0"},
                    Mistake{6, "type = 'mlp'\npretrain = { objective = 'simclr', epochs = 0 }",
                            "e.toml:7:36: model 'small': pretrain: epochs = 0 is out of range: integer ≥ 1"},
                    Mistake{6, "type = 'mlp'\npretrain = { objectiv = 'simclr' }",
                            "e.toml:7:14: model 'small': pretrain: unknown key 'objectiv' (did you mean "
                            "'objective'?); it takes "
                            "objective, examples, seed, epochs, batch, optimizer, lr, betas, eps, momentum, "
                            "weight_decay, schedule, "
                            "warmup, clip_norm, shuffle, trainable, precision, head_bias, head_init, "
                            "label_words, standardize, labels, "
                            "early_stopping, evaluate_every, "
                            "patience, micro_tokens, activation_tokens"},
                    Mistake{14, "[models.'a/b']\ntype = 'mlp'",
                            "e.toml:14:9: model \"a/b\": expected 1 to 100 characters without '/', '\\' or "
                            "control characters, not "
                            "starting with '.'"}));

INSTANTIATE_TEST_SUITE_P(
    Pairs, BadExperiment,
    testing::Values(
        Mistake{10, "weak = 'smal'",
                "e.toml:10:1: [pairs]: weak = 'smal' is not in [models] (did you mean 'small'?); there "
                "is 'small' or 'large'"},
        Mistake{11, "strong = 'x'",
                "e.toml:11:1: [pairs]: strong = 'x' is not in [models]; there is 'small' or 'large'"},
        Mistake{11, "strong = 'small'",
                "e.toml:11:1: [pairs]: weak and strong are both 'small': expected two models"},
        Mistake{11, "", "e.toml:9:2: [pairs]: strong is missing: expected weak and strong, or ladder"},
        Mistake{10, "", "e.toml:9:2: [pairs]: weak is missing: expected weak and strong, or ladder"},
        Mistake{10, "week = 'small'",
                "e.toml:10:1: [pairs]: unknown parameter 'week' (did you mean 'weak'?); it takes weak, "
                "strong, ladder, ceiling_on"},
        Mistake{11, "ladder = ['small', 'large']",
                "e.toml:11:1: [pairs]: expected weak and strong, or ladder, not both"},
        Mistake{11, "strong = 'large'\nceiling_on = 'transfr'",
                "e.toml:12:1: [pairs]: ceiling_on = 'transfr' is not one of 'transfer' or 'supervisor' (did "
                "you mean "
                "'transfer'?)"},
        Mistake{14, "SET pairs={ladder=['small']}",
                "--set pairs={ladder=['small']}: [pairs]: ladder has 1 models: expected at least two"},
        Mistake{14, "SET pairs={ladder=['small','large','small']}",
                "--set pairs={ladder=['small','large','small']}: [pairs]: ladder names 'small' twice"},
        Mistake{14, "SET pairs={ladder=['small','lage']}",
                "--set pairs={ladder=['small','lage']}: [pairs]: ladder[1] = 'lage' is not in [models] (did "
                "you mean "
                "'large'?); there is 'small' or 'large'"},
        Mistake{14, "SET pairs={}", "--set pairs={}: [pairs]: expected weak and strong, or ladder"}));

INSTANTIATE_TEST_SUITE_P(
    Train, BadExperiment,
    testing::Values(
        Mistake{3, "train.lr = 0\n[task]", "e.toml:3:7: [train]: lr = 0 is out of range: real > 0"},
        Mistake{14, "[train]\nlr = 0", "e.toml:15:1: [train]: lr = 0 is out of range: real > 0"},
        Mistake{14, "[train]\nlr = inf", "e.toml:15:1: [train]: lr = inf is out of range: real > 0"},
        Mistake{14, "[train]\nbatch = 32.0",
                "e.toml:15:1: [train]: batch: expected integer ≥ 1, found a real (32.0)"},
        Mistake{14, "[train]\noptimizer = 'adamW'",
                "e.toml:15:1: [train]: optimizer = 'adamW' is not one of 'adam', 'adamw' or 'sgd' (did you "
                "mean 'adamw'?)"},
        Mistake{14, "[train]\nbetas = [0.9]", "e.toml:15:1: [train]: betas: expected two numbers, found 1"},
        Mistake{14, "[train]\nbetas = [0.9, 1]",
                "e.toml:15:15: [train]: betas[1] = 1 is out of range: real in [0, 1)"},
        Mistake{14, "[train]\ntrainable = 'last:0'",
                "e.toml:15:1: [train]: trainable = 'last:0': expected 'all', 'head' or 'last:k' with k ≥ 1"},
        Mistake{14, "[train]\ntrainable = 'Head'",
                "e.toml:15:1: [train]: trainable = 'Head': expected 'all', 'head' or "
                "'last:k' with k ≥ 1 (did you mean 'head'?)"},
        Mistake{14, "[train]\nwarmup = -0.1",
                "e.toml:15:1: [train]: warmup = -0.1 is out of range: real ≥ 0"}));

INSTANTIATE_TEST_SUITE_P(
    Methods, BadExperiment,
    testing::Values(
        Mistake{13, "los = 'gce'",
                "e.toml:13:1: method 'gce': unknown key 'los' (did you mean 'loss'?); it takes loss, "
                "strategy, train"},
        Mistake{
            13, "loss = 1",
            "e.toml:13:1: method 'gce': loss: expected a name or { type = \"…\", … }, found an integer (1)"},
        Mistake{13, "loss = { q = 1 }",
                "e.toml:13:1: method 'gce': loss without a type: expected { type = \"…\", … }"},
        Mistake{13, "strategy = ['a', 1]",
                "e.toml:13:18: method 'gce': strategy: expected a name or { type = \"…\", … }, found an "
                "integer (1)"},
        Mistake{13, "train = { lr = 'x' }",
                "e.toml:13:11: method 'gce': train: lr: expected real > 0, found a string (\"x\")"},
        Mistake{12, "[methods]\nx = 1", "e.toml:13:1: method 'x': expected a table, found an integer (1)"}));

INSTANTIATE_TEST_SUITE_P(
    Set, BadExperiment,
    testing::Values(
        Mistake{0, "SET train.lr", "--set train.lr: expected key=value"},
        Mistake{0, "SET train..lr=1", "--set train..lr=1: 'train..lr' is not a dotted key such as train.lr"},
        Mistake{0, "SET =1", "--set =1: '' is not a dotted key such as train.lr"},
        Mistake{0, "SET train.lr=", "--set train.lr=: the value is empty: expected a TOML value or a word"},
        Mistake{0, "SET name=a b",
                "--set name=a b: 'a b' is neither a TOML value nor a bare word: quote strings with spaces "
                "or signs"},
        Mistake{0, "SET train.lr=abc",
                "--set train.lr=abc: [train]: lr: expected real > 0, found a string (\"abc\")"},
        Mistake{0, "SET trian.lr=1",
                "--set trian.lr=1: unknown key 'trian' (did you mean 'train'?); it takes name, seeds, "
                "task, models, pairs, supervisor, train, methods, plugins, sweep, variant, launcher"},
        Mistake{0, "SET seeds.x=1", "--set seeds.x=1: 'seeds.x': 'seeds' is an integer (2), not a table"},
        Mistake{0, "SET methods.gce.loss.q.r=1", "no error"},
        Mistake{0, "SET seeds=[]", "--set seeds=[]: seeds is empty: expected at least one"},
        Mistake{0, "SEEDS -1", "--seeds: seeds: -1 is out of range: integer ≥ 0"}));

INSTANTIATE_TEST_SUITE_P(
    Sweep, BadExperiment,
    testing::Values(
        Mistake{14, "[sweep]\n'train.lr' = []",
                "e.toml:15:1: [sweep]: 'train.lr': the list of values is empty"},
        Mistake{14, "[sweep]\n'train.lr' = 1",
                "e.toml:15:1: [sweep]: 'train.lr': expected a list of values, found an "
                "integer (1)"},
        Mistake{14, "[sweep]\n'methods.gec.loss' = ['a']",
                "e.toml:15:1: 'methods.gec.loss': there is no 'methods.gec' (did you mean 'gce'?)"},
        Mistake{14, "[sweep]\n'tarin.lr' = [1]",
                "e.toml:15:1: 'tarin.lr': there is no 'tarin' (did you mean 'train'?)"},
        Mistake{
            14, "[sweep]\n'train.lrr' = [1]",
            "e.toml:15:16: [train]: unknown parameter 'lrr' (did you mean 'lr'?); it takes epochs, batch, "
            "optimizer, lr, "
            "betas, eps, momentum, weight_decay, schedule, warmup, clip_norm, shuffle, trainable, precision, "
            "head_bias, head_init, label_words, "
            "standardize, labels, early_stopping, evaluate_every, patience, micro_tokens, activation_tokens"},
        Mistake{14, "[sweep]\n'train.lr' = [0.1, 0]",
                "e.toml:15:20: [train]: lr = 0 is out of range: real > 0"},
        Mistake{14, "[sweep]\nseeds = [1, 2]",
                "e.toml:15:1: sweep: 'seeds' is the same for a whole experiment"},
        Mistake{14, "[sweep]\n'methods.gce.loss.q' = [1]\n'methods.gce.loss' = ['a']",
                "e.toml:16:1: sweep: 'methods.gce.loss' and 'methods.gce.loss.q' set the same value"},
        Mistake{2, "sweep = 1",
                "e.toml:2:1: sweep: expected a table of \"dotted.key\" = [values], found an integer (1)"},
        Mistake{0, "SWEEP train.lr", "--sweep train.lr: expected key=value,value,…"},
        Mistake{0, "SWEEP train.lr=1,,2",
                "--sweep train.lr=1,,2: the value is empty: expected a TOML value or a word"},
        Mistake{0, "SWEEP methods.gce.loss.q=",
                "--sweep methods.gce.loss.q=: the value is empty: expected a TOML value or a word"}));

TEST(BadExperiment, AKeyCannotBeBothSetAndSwept) {
  const std::string file =
      "task = 'toy'\nmodels = { a = 'm', b = 'm' }\npairs = { weak = 'a', strong = 'b' }\n";
  try {
    parse_experiments(file, "e.toml", {{"train.lr=1"}, {"train.lr=1,2"}, {}});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "--set train.lr=1: 'train.lr' is swept: give it one value with --sweep instead");
  }
}

TEST(BadExperiment, TooLargeAGrid) {
  const std::string file =
      "task = 'toy'\nmodels = { a = 'm', b = 'm' }\npairs = { weak = 'a', strong = 'b' }\n";
  std::string values = "0";
  for (int i = 1; i < 101; ++i) values += "," + std::to_string(i);
  try {
    parse_experiments(file, "e.toml", {{}, {"task.x=" + values, "task.y=" + values}, {}});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "--sweep task.y=" + values + ": sweep: more than 10000 points: expected a smaller grid");
  }
}

TEST(BadExperiment, WhatIsMissing) {
  const auto message = [](const std::string& file) -> std::string {
    try {
      parse_experiments(file, "e.toml");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(""), "e.toml: task is missing: expected [task] with a type");
  EXPECT_EQ(message("task = 'toy'"),
            "e.toml: models is missing: expected a table [models.NAME] for each model");
  EXPECT_EQ(message("task = 'toy'\nmodels = { a = 'm', b = 'm' }"),
            "e.toml: pairs is missing: expected [pairs] with weak and strong, or ladder");
}

TEST(BadExperiment, PluginSourcesThatAreNotThere) {
  const std::string file =
      "task = 'toy'\nmodels = { a = 'm', b = 'm' }\npairs = { weak = 'a', strong = 'b' }\n"
      "plugins.sources = ['none.cpp']\n";
  try {
    parse_experiments(file, "e.toml");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()), "e.toml:4:20: [plugins]: there is no source file '" +
                                             (std::filesystem::current_path() / "none.cpp").string() + "'");
  }
}

}  // namespace
}  // namespace w2s
