#include "engine/probe_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <w2s/error.hpp>

#include "../support/threads.hpp"
#include "../support/tiny_world.hpp"
#include "check/check.hpp"
#include "lab/local_lab.hpp"
#include "plugins/resolve.hpp"

namespace w2s {
namespace {

using ::testing::HasSubstr;
using w2s::testing::plugins;

constexpr std::int64_t kTrain = 90, kHeldOut = 40, kRows = kTrain + kHeldOut, kWidth = 13;

struct World {
  TaskKind kind = TaskKind::classification;
  std::int64_t classes = 2;
  Tensor features;
  Examples examples;

  explicit World(TaskKind task = TaskKind::classification, std::int64_t c = 2) : kind(task), classes(c) {
    Stream stream(11, "features");
    const std::int64_t parts = task == TaskKind::preference ? 2 : 1;
    features = normals({kRows, parts, kWidth}, stream);
    Columns columns;
    for (std::int64_t i = 0; i < kRows; ++i) columns.ids.push_back("row " + std::to_string(i));
    columns.dense = at::zeros({kRows, 1});
    columns.labels = at::arange(kRows, at::kLong).remainder(classes);
    examples = Examples(std::move(columns));
  }

  Supervision labels(std::int64_t begin, std::int64_t end, std::uint64_t seed) const {
    Stream stream(seed, "labels");
    Supervision labels = Supervision::soft(examples.slice(begin, end),
                                           (2 * normals({end - begin, classes}, stream)).softmax(1));
    labels.weights = at::arange(end - begin, at::kFloat).remainder(3) + 0.5;
    return labels;
  }

  // A fit that differs from others by its number: seed, labels, and that it sees other examples.
  std::unique_ptr<Probe> probe(const Spec& loss, std::int64_t number, const TrainParams& train) const {
    auto probe = std::make_unique<Probe>();
    probe->kind = kind;
    probe->features = features;
    for (std::int64_t i = 0; i < kRows; ++i) probe->rows.push_back(i);
    probe->labels = labels(0, kTrain, static_cast<std::uint64_t>(number));
    if (train.labels == LabelKind::hard) probe->labels = probe->labels.hardened();
    if (train.early_stopping) probe->validation = labels(kTrain, kRows, 99);
    probe->train = train;
    probe->seed = static_cast<std::uint64_t>(number % 2);
    probe->head = std::make_shared<Head>(kWidth, kind, classes, train);
    if (train.standardize) probe->head->standardize(features.slice(0, 0, kTrain).flatten(0, 1));
    probe->loss = plugins().make_loss(loss);
    probe->loss_name = loss.type;
    probe->loss_code = loss.type;
    return probe;
  }
};

void train_together(const std::vector<std::unique_ptr<Probe>>& probes) {
  std::vector<Probe*> all;
  for (const auto& probe : probes) all.push_back(probe.get());
  std::size_t finished = 0;
  train_probes(all, {}, [&](Probe&) { ++finished; });
  EXPECT_EQ(finished, probes.size());
}

void train_alone(Probe& probe) {
  train_probes({&probe}, {}, [](Probe&) {});
}

std::string error_of(const Probe& probe) {
  try {
    if (probe.error) std::rethrow_exception(probe.error);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

void expect_same_bits(const Probe& found, const Probe& expected, const std::string& what) {
  EXPECT_EQ(error_of(found), "") << what;
  EXPECT_EQ(found.result.steps, expected.result.steps) << what;
  EXPECT_EQ(found.result.kept_step, expected.result.kept_step) << what;
  for (const Parameters::Item& item : expected.head->parameters().items()) {
    EXPECT_TRUE(item.tensor.isfinite().all().item<bool>()) << what << " " << item.name;
    EXPECT_TRUE(found.head->parameters()[item.name].equal(item.tensor)) << what << " " << item.name;
  }
  ASSERT_EQ(found.result.oracle.size(), expected.result.oracle.size()) << what;
  for (const auto& [name, tensor] : expected.result.oracle)
    EXPECT_TRUE(found.result.oracle.at(name).equal(tensor)) << what << " " << name;
}

// What Trainer makes of the same fit.
TrainResult by_trainer(Probe& probe) {
  Tensor seen = probe.features.index_select(0, at::tensor(probe.rows, at::kLong)).flatten(0, 1);
  ProbeTrainee trainee(*probe.head, seen, probe.features.size(1));
  Trainer trainer(trainee, *probe.loss, probe.loss_name, probe.train, probe.labels,
                  probe.validation ? &*probe.validation : nullptr, Stream(probe.seed, "fit"), at::kCPU, {});
  return trainer.run();
}

TrainParams settings() {
  TrainParams train;
  train.trainable = Trainable::head();
  train.epochs = 3;
  train.batch = 37;  // the last batch of an epoch is smaller
  train.lr = 0.05;
  return train;
}

std::vector<Spec> all_losses(std::int64_t classes) {
  std::vector<Spec> losses;
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    Spec spec{name, loss_params(*plugins().schema(PluginKind::loss, name), {}, classes), {}};
    try {
      plugins().make_loss(spec)->check({TaskKind::classification, classes});
      losses.push_back(resolve(plugins(), PluginKind::loss, spec));
    } catch (const UsageError&) {  // not for so many classes
    }
  }
  return losses;
}

void expect_the_same_together(const World& world, const std::vector<Spec>& losses, const TrainParams& train,
                              const std::string& what, int threads = 1) {
  std::vector<std::unique_ptr<Probe>> together;
  for (const Spec& loss : losses) {
    for (std::int64_t number = 0; number < 4; ++number) together.push_back(world.probe(loss, number, train));
  }
  {
    const w2s::testing::Threads some(threads);
    train_together(together);
  }
  std::size_t place = 0;
  for (const Spec& loss : losses) {
    for (std::int64_t number = 0; number < 4; ++number) {
      const std::unique_ptr<Probe> alone = world.probe(loss, number, train);
      train_alone(*alone);
      expect_same_bits(*together[place++], *alone, what + ", " + loss.type);
    }
  }
}

TEST(ProbeBatch, EveryLossGivesAmongOthersTheBitsThatItGivesAlone) {
  for (const std::int64_t classes : {2, 5}) {
    const std::vector<Spec> losses = all_losses(classes);
    ASSERT_GE(losses.size(), 17u);
    expect_the_same_together(World(TaskKind::classification, classes), losses, settings(),
                             std::to_string(classes) + " classes");
  }
}

TEST(ProbeBatch, TwoThreadsGiveTheBitsOfOne) {
  for (const std::int64_t classes : {2, 5}) {
    expect_the_same_together(World(TaskKind::classification, classes), all_losses(classes), settings(),
                             std::to_string(classes) + " classes", 2);
  }
}

TEST(ProbeBatch, EverySettingGivesAmongOthersTheBitsThatItGivesAlone) {
  const std::vector<Spec> losses = {{"cross_entropy", {}, {}}, {"gce", {}, {}}, {"aux_confidence", {}, {}}};
  std::map<std::string, std::function<void(TrainParams&)>> changes = {
      {"adamw", [](TrainParams& t) { t.optimizer = OptimizerKind::adamw, t.weight_decay = 0.1; }},
      {"adam with decay", [](TrainParams& t) { t.weight_decay = 0.1; }},
      {"sgd",
       [](TrainParams& t) { t.optimizer = OptimizerKind::sgd, t.momentum = 0.9, t.weight_decay = 0.01; }},
      {"head_bias", [](TrainParams& t) { t.head_bias = true; }},
      {"standardize", [](TrainParams& t) { t.standardize = t.head_bias = true; }},
      {"clip_norm", [](TrainParams& t) { t.clip_norm = 0.05; }},
      {"hard labels", [](TrainParams& t) { t.labels = LabelKind::hard; }},
      {"schedule", [](TrainParams& t) { t.schedule = ScheduleKind::linear, t.warmup = 2; }},
      {"in order", [](TrainParams& t) { t.shuffle = false; }},
      {"early stopping",
       [](TrainParams& t) { t.early_stopping = true, t.evaluate_every = 2, t.patience = 1, t.epochs = 6; }},
  };
  for (const auto& [name, change] : changes) {
    TrainParams train = settings();
    change(train);
    expect_the_same_together(World(), losses, train, name);
  }
  expect_the_same_together(World(TaskKind::preference), losses, settings(), "pairs");
}

TEST(ProbeBatch, AgreesWithTheTrainerToFloatAccuracy) {
  std::map<std::string, std::function<void(TrainParams&)>> changes = {
      {"adam", [](TrainParams&) {}},
      {"adamw",
       [](TrainParams& t) {
         t.optimizer = OptimizerKind::adamw, t.weight_decay = 0.1, t.schedule = ScheduleKind::constant;
       }},
      {"sgd",
       [](TrainParams& t) { t.optimizer = OptimizerKind::sgd, t.momentum = 0.9, t.weight_decay = 0.01; }},
      {"bias, standardised, clipped",
       [](TrainParams& t) { t.head_bias = t.standardize = true, t.clip_norm = 0.05; }},
      {"early stopping", [](TrainParams& t) { t.early_stopping = true, t.evaluate_every = 2, t.epochs = 6; }},
  };
  for (const TaskKind kind : {TaskKind::classification, TaskKind::preference}) {
    const World world(kind);
    for (const auto& [name, change] : changes) {
      TrainParams train = settings();
      change(train);
      for (const char* loss : {"cross_entropy", "aux_confidence", "early_learning"}) {
        const auto found = world.probe({loss, {}, {}}, 1, train),
                   expected = world.probe({loss, {}, {}}, 1, train);
        train_alone(*found);
        ASSERT_EQ(error_of(*found), "") << name;
        const TrainResult result = by_trainer(*expected);
        EXPECT_EQ(found->result.steps, result.steps) << name;
        EXPECT_EQ(found->result.kept_step, result.kept_step) << name;
        EXPECT_EQ(found->result.oracle_step, result.oracle_step) << name;
        for (const Parameters::Item& item : expected->head->parameters().items()) {
          EXPECT_TRUE(at::allclose(found->head->parameters()[item.name], item.tensor, 1e-3, 1e-4))
              << name << ", " << loss << ", " << item.name;
        }
      }
    }
  }
}

// Fails, from the second epoch on, at an example that is certain of its first class.
class FailsWhereCertain final : public ILoss {
 public:
  explicit FailsWhereCertain(bool throws) : throws_(throws) {}
  Tensor forward(const LossInput& in) override {
    const Tensor values = -(in.targets * in.logits.log_softmax(1)).sum(1);
    const Tensor bad =
        in.targets.select(1, 0).eq(1.0).logical_and(at::full({in.logits.size(0)}, in.epoch >= 1));
    if (throws_ && bad.any().item<bool>()) throw Error("enough");
    return values.masked_fill(bad, std::numeric_limits<double>::quiet_NaN());
  }
  bool rowwise() const override { return true; }

 private:
  bool throws_;
};

TEST(ProbeBatch, AProbeThatFailsLeavesTheOthersAsTheyAre) {
  const World world;
  for (const bool throws : {false, true}) {
    const auto fragile = [&](std::int64_t number) {
      auto probe = world.probe({"cross_entropy", {}, {}}, number, settings());
      probe->loss = std::make_shared<FailsWhereCertain>(throws);
      probe->loss_name = probe->loss_code = "fragile";
      return probe;
    };
    std::vector<std::unique_ptr<Probe>> probes;
    for (std::int64_t number = 0; number < 3; ++number)
      probes.push_back(world.probe({"cross_entropy", {}, {}}, number, settings()));
    for (const std::int64_t number : {0, 2}) probes.push_back(fragile(number));  // in one call
    probes[3]->labels.targets = probes[3]->labels.targets.clone();
    probes[3]->labels.targets[7].copy_(at::tensor({1.0f, 0.0f}));
    train_together(probes);
    for (const std::size_t i : {0u, 1u, 2u, 4u}) EXPECT_EQ(error_of(*probes[i]), "") << i;
    if (throws) {
      EXPECT_EQ(error_of(*probes[3]), "enough");
    } else {
      EXPECT_THAT(error_of(*probes[3]), HasSubstr("loss 'fragile' at step "));
      EXPECT_THAT(error_of(*probes[3]), HasSubstr("(epoch 1) is not a number for example 'row 7'"));
    }
    const auto plain = world.probe({"cross_entropy", {}, {}}, 1, settings()), same = fragile(2);
    train_alone(*plain);
    train_alone(*same);
    expect_same_bits(*probes[1], *plain, "beside a failure");
    expect_same_bits(*probes[4], *same, "in a call with a failure");
  }
}

TEST(ProbeBatch, ProbesOfDifferentSizesAndSettingsGoTheirOwnWays) {
  const World world;
  std::vector<std::unique_ptr<Probe>> probes;
  TrainParams faster = settings();
  faster.lr = 0.1;
  probes.push_back(world.probe({"gce", {}, {}}, 0, settings()));
  probes.push_back(world.probe({"gce", {}, {}}, 0, faster));
  probes.push_back(world.probe({"gce", {}, {}}, 0, settings()));
  probes[2]->labels = world.labels(0, 50, 0);
  train_together(probes);
  const auto alone = world.probe({"gce", {}, {}}, 0, faster);
  train_alone(*alone);
  expect_same_bits(*probes[1], *alone, "faster");
  EXPECT_EQ(probes[0]->result.steps, 9);
  EXPECT_EQ(probes[2]->result.steps, 6);
}

TEST(ProbeBatch, InterruptedProbesGoOnInTheSameBits) {
  const World world;
  const w2s::testing::TemporaryFolder folder;
  TrainParams train = settings();
  train.early_stopping = true;
  train.evaluate_every = 2;
  const auto probes = [&](bool saved, int steps) {
    std::vector<std::unique_ptr<Probe>> all;
    for (std::int64_t number = 0; number < 3; ++number) {
      all.push_back(world.probe({number == 2 ? "early_learning" : "gce", {}, {}}, number, train));
      if (!saved) continue;
      CheckpointSchedule schedule;
      schedule.asked_to_end = [left = std::make_shared<int>(steps)] { return --*left == 0; };
      all.back()->checkpoints =
          std::make_shared<Checkpoints>(folder.path() + "/" + std::to_string(number), schedule);
    }
    return all;
  };
  std::vector<Probe*> pointers;
  const auto first = probes(true, 4);
  for (const auto& probe : first) pointers.push_back(probe.get());
  EXPECT_THROW(train_probes(pointers, {}, [](Probe&) { FAIL() << "none is done"; }), Interrupted);
  const auto resumed = probes(true, -1), whole = probes(false, 0);
  train_together(resumed);
  train_together(whole);
  for (std::size_t i = 0; i < whole.size(); ++i) expect_same_bits(*resumed[i], *whole[i], "resumed");
}

TEST(ProbeBatch, ASignalInTheMidstOfAStepSavesAllAtTheSameStep) {
  const World world;
  const w2s::testing::TemporaryFolder folder;
  const auto probes = [&](const std::function<bool()>& asked) {
    std::vector<std::unique_ptr<Probe>> all;
    for (std::int64_t number = 0; number < 3; ++number) {
      all.push_back(world.probe({"gce", {}, {}}, number, settings()));
      CheckpointSchedule schedule;
      schedule.asked_to_end = asked;
      all.back()->checkpoints =
          std::make_shared<Checkpoints>(folder.path() + "/" + std::to_string(number), schedule);
    }
    return all;
  };
  const auto pointers = [](const std::vector<std::unique_ptr<Probe>>& all) {
    std::vector<Probe*> found;
    for (const auto& probe : all) found.push_back(probe.get());
    return found;
  };
  // Each is asked once a step: the first of the second step is asked before the signal, the others after it.
  const auto first = probes([calls = std::make_shared<int>(0)] { return ++*calls >= 5; });
  EXPECT_THROW(train_probes(pointers(first), {}, [](Probe&) {}), Interrupted);
  const auto rest = probes({});
  std::vector<std::pair<std::size_t, std::int64_t>> seen;
  train_probes(
      pointers(rest),
      [&](std::size_t count, const Progress& report) { seen.emplace_back(count, report.step); },
      [](Probe&) {});
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0], std::pair(std::size_t{3}, std::int64_t{2}));
}

TEST(ProbeBatch, AProbeThatStopsEarlyIsGivenBackAtOnce) {
  const World world;
  TrainParams train = settings();
  train.early_stopping = true;
  train.evaluate_every = train.patience = 1;
  train.epochs = 20;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<Probe*> pointers;
  for (std::int64_t number = 0; number < 6; ++number) {
    probes.push_back(world.probe({"gce", {}, {}}, number, train));
    pointers.push_back(probes.back().get());
  }
  std::int64_t steps = 0;
  std::vector<std::int64_t> given_back;
  train_probes(
      pointers, [&](std::size_t, const Progress&) { ++steps; },
      [&](Probe& probe) {
        EXPECT_EQ(steps + 1, probe.result.steps);
        given_back.push_back(probe.result.steps);
      });
  ASSERT_EQ(given_back.size(), 6u);
  EXPECT_LT(given_back.front(), given_back.back());
}

TEST(ProbeBatch, RefusesWhatTheTrainerRefuses) {
  const World world;
  TrainParams train = settings();
  train.early_stopping = true;
  auto probe = world.probe({"gce", {}, {}}, 0, train);
  probe->validation.reset();
  train_alone(*probe);
  EXPECT_THAT(error_of(*probe), HasSubstr("train.early_stopping needs validation examples"));
  probe = world.probe({"gce", {}, {}}, 0, settings());
  probe->labels.weights.zero_();
  train_alone(*probe);
  EXPECT_THAT(error_of(*probe), HasSubstr("all example weights are zero"));
}

}  // namespace
}  // namespace w2s
