// Fits over two and three processes end where one process ends, to float accuracy; a process that fails or
// dies fails the others, with its name.
#include "engine/team/team.hpp"

#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/team_processes.hpp"
#include "../support/text_world.hpp"

namespace w2s {
namespace {

using testing::apart;
using testing::blobs;
using testing::Ended;
using testing::in_processes;
using testing::TemporaryFolder;
using testing::Tensors;
using testing::TextWorld;
using testing::TinyWorld;

class TeamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static const std::string missing = [] {
      const Ended one = in_processes(2, [](Team*) { return Tensors(); })[0];
      return one.error.find("built without c10d") == std::string::npos ? "" : one.error;
    }();
    if (!missing.empty()) GTEST_SKIP() << missing;
    testing::plugins();
    testing::byte_tokenizer();  // one for all processes
  }
};

// What several processes give beside what one gives, and that all of them give the same bits.
void expect_like_one(const std::string& what, const std::function<Tensors(Team*)>& body,
                     double tolerance = 1e-5, const std::vector<std::int64_t>& sizes = {2, 3}) {
  const Ended alone = in_processes(1, body)[0];
  ASSERT_EQ(alone.error, "");
  for (const std::int64_t size : sizes) {
    const std::vector<Ended> team = in_processes(size, body);
    std::string errors;
    for (const Ended& one : team) errors += one.error;
    ASSERT_EQ(errors, "") << what << ", " << size << " processes";
    for (const Ended& one : team) EXPECT_EQ(apart(team[0].tensors, one.tensors), 0) << what;
    const double difference = apart(alone.tensors, team[0].tensors);
    EXPECT_LT(difference, tolerance) << what << ", " << size << " processes";
    std::printf("%s, %d processes: largest difference %.3g\n", what.c_str(), static_cast<int>(size),
                difference);
  }
}

// ---- exchanges

TEST_F(TeamTest, ExchangesGiveEveryProcessTheSame) {
  const auto team = in_processes(3, [](Team* team) {
    const Tensor sum = at::arange(5, at::kFloat) * static_cast<double>(team->rank() + 1);
    team->all_reduce(sum);
    const Tensor led = at::full({4}, team->rank() + 7);
    team->broadcast(led);
    std::string longer(1000, 'a');
    longer[999] = static_cast<char>('0' + team->rank());
    const std::string told = team->broadcast(longer) + team->broadcast(team->leads() ? "" : "x");
    const std::vector<std::string> texts =
        team->all_gather(std::string(static_cast<std::size_t>(team->rank()), 'b'));
    if (told.size() != 1000 || told[999] != '0') throw Error("told " + told);
    if (texts != std::vector<std::string>{"", "b", "bb"}) throw Error("gathered other texts");
    if (team->broadcast(0.1 * static_cast<double>(team->rank() + 1)) != 0.1)
      throw Error("told another number");
    if (!team->any(team->rank() == 2) || team->any(false)) throw Error("any");
    return Tensors{{"sum", sum}, {"led", led}};
  });
  for (const Ended& one : team) {
    ASSERT_EQ(one.error, "");
    EXPECT_TRUE(at::equal(one.tensors.at("sum"), at::arange(5, at::kFloat) * 6));
    EXPECT_TRUE(at::equal(one.tensors.at("led"), at::full({4}, 7)));
  }
}

TEST_F(TeamTest, ProcessesThatDoNotComeAreNamed) {
  const Ended one = in_processes(1, [](Team*) -> Tensors {
    Team({"torchrun", 0, 0, 3, "127.0.0.1", testing::free_port()}, at::kCPU, 2);
    return {};
  })[0];
  EXPECT_EQ(one.error, "of a team of 3 processes these ranks did not come within 2 s: 1, 2");
}

TEST_F(TeamTest, AnErrorInOneProcessReachesTheOthersAndTheTeamGoesOn) {
  const auto team = in_processes(3, [](Team* team) -> Tensors {
    std::string message;
    try {
      if (team->rank() == 1) throw Error("the disk is full");
      team->barrier();
    } catch (const Error& error) {
      message = team->failed(error.what());
    }
    if (message != (team->rank() == 1 ? "the disk is full" : "rank 1: the disk is full"))
      throw Error(message);
    if (team->lost() || !team->leader_reports()) throw Error("taken for lost");
    const Tensor after = at::ones({1});
    team->all_reduce(after);
    return {{"after", after}};
  });
  for (const Ended& one : team) {
    ASSERT_EQ(one.error, "");
    EXPECT_EQ(one.tensors.at("after").item<float>(), 3);
  }
}

TEST_F(TeamTest, AProcessThatIsKilledIsNamedByTheOthers) {
  for (const std::int64_t killed : {0, 1}) {
    const auto team = in_processes(3, [&](Team* team) -> Tensors {
      team->barrier();
      if (team->rank() == killed) ::raise(SIGKILL);
      try {
        team->barrier();
      } catch (const TeamLost& lost) {
        const std::string message = team->failed(lost.what());
        throw Error(message + (team->lost() ? " (lost)" : " (found again)"));
      }
      return {};
    });
    for (std::int64_t rank = 0; rank < 3; ++rank) {
      const Ended& one = team[static_cast<std::size_t>(rank)];
      if (rank == killed) {
        EXPECT_EQ(one.signal, SIGKILL);
      } else {
        EXPECT_THAT(one.error, ::testing::MatchesRegex("rank " + std::to_string(killed) +
                                                       " \\(process [0-9]+ on .*\\) is gone: .*goes on from "
                                                       "there \\(lost\\)"));
      }
    }
  }
}

// ---- the training loop

// A statistic of the whole batch in every example's loss.
class BatchMeanLoss final : public ILoss {
 public:
  Tensor forward(const LossInput& in) override {
    const Tensor p = in.logits.softmax(1);
    return -(in.targets * (p * p.mean(0, true)).log()).sum(1);
  }
};

class CrossEntropy final : public ILoss {
 public:
  Tensor forward(const LossInput& in) override { return -(in.targets * in.logits.log_softmax(1)).sum(1); }
};

// Rows of uneven cost through a small network; "late" has gradients where an example's number is above 30
// only.
class ToyTrainee final : public Trainee {
 public:
  ToyTrainee() : x_(at::sin(at::arange(60 * 6, at::kFloat)).view({60, 6})) {
    weights_.add("first", at::cos(at::arange(30, at::kFloat)).view({5, 6}) * 0.4);
    weights_.add("second", at::sin(at::arange(15, at::kFloat)).view({3, 5}) * 0.4);
    weights_.add("late", at::zeros({3}));
  }
  Tensor logits(const std::vector<std::int64_t>& examples) override {
    const Tensor h =
        at::tanh(at::linear(x_.index_select(0, at::tensor(examples, at::kLong)), weights_["first"]));
    const Tensor z = at::linear(h, weights_["second"]);
    const Tensor late = at::tensor(examples, at::kLong).gt(30).to(at::kFloat).unsqueeze(1);
    return *std::max_element(examples.begin(), examples.end()) > 30 ? z + late * weights_["late"] : z;
  }
  std::int64_t tokens(std::int64_t example) const override { return 1 + example % 7; }
  std::int64_t size() const override { return 60; }
  std::vector<Parameters::Item*> trained() override {
    return {&weights_.items()[0], &weights_.items()[1], &weights_.items()[2]};
  }
  Parameters weights_;

 private:
  Tensor x_;
};

Supervision toy_labels(std::int64_t begin, std::int64_t end) {
  Columns columns;
  for (std::int64_t i = 0; i < 60; ++i) columns.ids.push_back("row " + std::to_string(i));
  columns.dense = at::zeros({60, 1});
  columns.labels = at::arange(60, at::kLong).remainder(3);
  const Examples all{std::move(columns)};
  return Supervision::soft(all.slice(begin, end),
                           at::sin(at::arange(begin * 3, end * 3, at::kFloat)).view({-1, 3}).softmax(1));
}

TrainParams settings() {
  TrainParams params;
  params.epochs = 3;
  params.batch = 16;
  params.lr = 0.05;
  return params;
}

template <class Loss>
std::function<Tensors(Team*)> training(const TrainParams& params) {
  return [params](Team* team) {
    ToyTrainee trainee;
    Loss loss;
    const Supervision labels = toy_labels(0, 40), validation = toy_labels(40, 60);
    std::vector<double> losses;
    Trainer trainer(trainee, loss, "toy", params, labels, params.early_stopping ? &validation : nullptr,
                    Stream(3, "fit"), at::kCPU,
                    [&](const Progress& report) { losses.push_back(report.loss); });
    if (team != nullptr) trainer.join(*team, true);
    trainer.run();
    Tensors result{{"losses", at::tensor(losses, at::kDouble)}};
    for (const Parameters::Item& item : trainee.weights_.items()) result[item.name] = item.tensor.detach();
    return result;
  };
}

TEST_F(TeamTest, TrainsAsOneProcessDoes) {
  expect_like_one("a loss of examples", training<CrossEntropy>(settings()));
  expect_like_one("a loss of the batch", training<BatchMeanLoss>(settings()));
  TrainParams clipped = settings();
  clipped.clip_norm = 0.1;
  clipped.optimizer = OptimizerKind::adamw;
  clipped.weight_decay = 0.1;
  expect_like_one("clip_norm and weight decay", training<BatchMeanLoss>(clipped));
  TrainParams stopped = settings();
  stopped.early_stopping = true;
  stopped.evaluate_every = 2;
  stopped.patience = 1;
  expect_like_one("early stopping", training<CrossEntropy>(stopped));
}

TEST_F(TeamTest, BatchesSmallerThanTheTeamTrainAsOneProcessDoes) {
  TrainParams params = settings();
  params.batch = 2;
  params.optimizer = OptimizerKind::sgd;
  params.momentum = 0.9;
  expect_like_one("batches of 2", training<BatchMeanLoss>(params), 1e-5, {3});
}

TEST_F(TeamTest, ReplayedMicroBatchesTrainAsOneProcessDoes) {
  TrainParams params = settings();
  params.micro_tokens = 8;
  params.activation_tokens = 1;
  expect_like_one("replay", training<BatchMeanLoss>(params));
}

TEST_F(TeamTest, WhenOneProcessIsAskedToEndAllSaveAndGoOnToTheSameBits) {
  const TemporaryFolder folder;
  const auto body = [&](bool interrupted, const std::string& name) {
    return [&folder, interrupted, name](Team* team) {
      TrainParams params = settings();
      params.epochs = 10;
      CheckpointSchedule schedule;
      schedule.seconds = 0;  // all decide after every step
      schedule.team = team;
      int asked = 0;
      if (interrupted && team->rank() == 1) schedule.asked_to_end = [&] { return ++asked == 7; };
      ToyTrainee trainee;
      BatchMeanLoss loss;
      const Supervision labels = toy_labels(0, 40);
      Checkpoints checkpoints(folder.path() + "/" + name, schedule);
      Trainer trainer(trainee, loss, "toy", params, labels, nullptr, Stream(3, "fit"), at::kCPU, {});
      trainer.join(*team, true);
      trainer.checkpoint(checkpoints);
      try {
        trainer.run();
      } catch (const Interrupted& end) {
        if (std::string(end.what()) != "interrupted; its state is saved") throw Error(end.what());
        return Tensors{{"interrupted", at::ones({1})}};
      }
      return Tensors{{"first", trainee.weights_["first"].detach()}};
    };
  };
  const auto whole = in_processes(2, body(false, "whole"));
  for (const Ended& one : in_processes(2, body(true, "parts"))) {
    ASSERT_EQ(one.error, "");
    EXPECT_EQ(one.tensors.count("interrupted"), 1u);
  }
  const auto rest = in_processes(2, body(false, "parts"));
  for (const Ended& one : rest) {
    ASSERT_EQ(one.error, "");
    EXPECT_EQ(apart(one.tensors, whole[0].tensors), 0);
  }
}

// ---- a lab's work

// Probabilities of a student of the weak labels, by some method, and how many fits were computed.
std::function<Tensors(Team*)> student(const Spec& loss, const std::vector<Spec>& chain,
                                      const Table& train = {}) {
  const auto folder = std::make_shared<TemporaryFolder>();
  const auto turn = std::make_shared<int>(0);
  return [=](Team* team) {
    TinyWorld::Options options;
    options.team = team;
    options.train = merge(options.train, Table{{"epochs", 3}});
    options.train = merge(options.train, train);
    const std::string store = folder->path() + "/" + std::to_string(team == nullptr ? 1 : team->size());
    TinyWorld tiny(blobs(400, 2, 5, 1, 3), 2, options, store);
    FitSpec spec = tiny.spec();
    if (!loss.empty()) spec.loss = loss;
    const Student fitted = tiny.run(chain, tiny.weak_labels(), spec);
    return Tensors{{"probabilities", tiny.lab().predict(fitted, tiny.test())},
                   {"computed", at::tensor(tiny.lab().computed(), at::kLong)}};
  };
}

TEST_F(TeamTest, StudentsAreThoseOfOneProcess) {
  expect_like_one("aux_confidence's quantiles", student({"aux_confidence", {}, {}}, {}), 1e-5);
  expect_like_one("early_learning's memory", student({"early_learning", {}, {}}, {}), 1e-5, {2});
  expect_like_one("a probe", student({}, {{"linear_probe", {}, {}}}), 1e-5, {2});
  expect_like_one("two students", student({}, {{"co_teaching", {}, {}}}), 1e-5);
  expect_like_one("mixed inputs", student({}, {{"mixup", {}, {}}}), 1e-5);
  expect_like_one("averaged weights", student({}, {{"ema", {}, {}}}, {{"standardize", true}}), 1e-5, {2});
  expect_like_one("out-of-sample labels", student({}, {{"confident_learning", {}, {}}}), 1e-5, {2});
}

TEST_F(TeamTest, TextsOfUnevenLengthAreThoseOfOneProcess) {
  const auto folder = std::make_shared<TemporaryFolder>();
  expect_like_one("a text classifier", [=](Team* team) {
    testing::TextRowsOf rows;
    Stream stream(2, "letters");
    for (int i = 0; i < 160; ++i) {
      std::string text;
      for (std::int64_t n = 1 + stream.below(20); n > 0; --n)
        text += static_cast<char>('a' + stream.below(8));
      rows.prompts.push_back(text);
      rows.labels.push_back(text[0] < 'e' ? 0 : 1);
    }
    testing::TextOptions options;
    options.classes = 2;
    options.team = team;
    options.train = {{"lr", 3e-3}, {"epochs", 3}, {"batch", 7}, {"micro_tokens", 40}};
    TextWorld world(rows, options, folder->path() + "/" + std::to_string(team == nullptr ? 1 : team->size()));
    const Student student = world.lab().fit(world.truth(world.transfer()), world.spec());
    return Tensors{{"probabilities", world.lab().predict(student, world.test())},
                   {"features", world.lab().features("strong", world.test())}};
  });
}

TEST_F(TeamTest, AnswersAndTheirScoresAreThoseOfOneProcess) {
  const auto folder = std::make_shared<TemporaryFolder>();
  expect_like_one(
      "answers",
      [=](Team* team) {
        testing::TextOptions options;
        options.team = team;
        options.train = {{"optimizer", "adam"}, {"lr", 3e-3}, {"epochs", 4}, {"batch", 8}};
        TextWorld world(testing::swaps(160), options,
                        folder->path() + "/" + std::to_string(team == nullptr ? 1 : team->size()));
        const Student student = world.lab().fit(world.truth(world.transfer()), world.spec());
        const Examples some = world.test().slice(0, 25);
        const Answers answers = world.lab().answer(student, some);
        Digest sha;
        for (const std::string& text : answers.texts) sha.add(text);
        const AnswerScores scores = world.lab().score_answers(student, some, references_of(some));
        const Student spun =
            world.run("spin", {{"iterations", 1}}, world.truth(world.transfer()), world.spec());
        const AnswerScores after = world.lab().score_answers(spun, some, references_of(some));
        return Tensors{{"answers", at::tensor(static_cast<std::int64_t>(sha.word() >> 1), at::kLong)},
                       {"certainty", answers.certainty},
                       {"scores", scores.log_probability},
                       {"tokens", scores.tokens},
                       {"after self-play", after.log_probability}};
      },
      1e-3);
}

TEST_F(TeamTest, AProcessThatAsksForAnotherFitIsRefused) {
  const TemporaryFolder folder;
  const auto team = in_processes(2, [&](Team* team) -> Tensors {
    TinyWorld::Options options;
    options.team = team;
    options.seed = static_cast<std::uint64_t>(team->rank());
    TinyWorld tiny(blobs(200, 2, 5, 1, 3), 2, options, folder.path());
    return {};
  });
  EXPECT_THAT(team[1].error, ::testing::HasSubstr("the processes of a team do not do the same"));
  EXPECT_NE(team[0].error, "");
}

}  // namespace
}  // namespace w2s
