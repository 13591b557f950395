// A fit that is interrupted and goes on ends in the bits of one that never was.
#include "engine/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <w2s/safetensors.hpp>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::blobs;
using testing::TemporaryFolder;
using testing::TinyWorld;

Checkpoint counted(std::int64_t step) {
  Checkpoint state;
  state.tensors["step"] = at::tensor(step, at::kLong);
  state.put("part", {{"a", at::full({2}, 0.1)}, {"b", at::zeros({0, 3})}});
  state.texts["stream"] = Stream(7, "test").save();
  return state;
}

TEST(Checkpoints, GiveBackTheLastStateAndWhatIsCarried) {
  const TemporaryFolder folder;
  std::string log = "one line\n";
  {
    Checkpoints checkpoints(folder.path() + "/new", {.seconds = 0});
    checkpoints.carry("log", log);
    EXPECT_FALSE(checkpoints.load());
    for (const std::int64_t step : {1, 2}) checkpoints.after_step([&] { return counted(step); });
  }
  log = "";
  Checkpoints again(folder.path() + "/new", {});
  again.carry("log", log);
  const auto found = again.load();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tensors.at("step").item<std::int64_t>(), 2);
  EXPECT_TRUE(at::equal(found->part("part").at("a"), at::full({2}, 0.1)));
  EXPECT_EQ(found->part("part").at("b").sizes(), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(found->part("part").size(), 2u);
  EXPECT_EQ(found->texts.at("stream"), Stream(7, "test").save());
  EXPECT_EQ(log, "one line\n");
}

TEST(Checkpoints, WaitForTheirTime) {
  const TemporaryFolder folder;
  Checkpoints checkpoints(folder.path() + "/never", {.seconds = 3600});
  checkpoints.after_step([&]() -> Checkpoint { throw Error("not asked for"); });
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/never"));
}

TEST(Checkpoints, AreSavedBeforeTheEndThatWasAskedFor) {
  const TemporaryFolder folder;
  Checkpoints checkpoints(folder.path(), {.asked_to_end = [] { return true; }});
  EXPECT_THROW(checkpoints.after_step([&] { return counted(5); }), Interrupted);
  EXPECT_EQ(Checkpoints(folder.path(), {}).load()->tensors.at("step").item<std::int64_t>(), 5);
}

TEST(Checkpoints, ADamagedOneIsPassedOverWithAWord) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() + "/checkpoint.safetensors") << "no safetensors";
  std::string said;
  Checkpoints checkpoints(folder.path(), {.log = [&](const std::string& line) { said = line; }});
  EXPECT_FALSE(checkpoints.load());
  EXPECT_THAT(said, ::testing::HasSubstr("training begins anew"));
}

TEST(Checkpoints, AFolderThatCannotBeWrittenDoesNotEndTheTraining) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "in the way";
  std::string said;
  Checkpoints checkpoints(folder.path() + "/file/below",
                          {.seconds = 0, .log = [&](const std::string& line) { said = line; }});
  checkpoints.after_step([&] { return counted(1); });
  EXPECT_THAT(said, ::testing::StartsWith("no checkpoint: cannot make folder"));
}

// Weights [by name] and log of the fits that a call of `run` leaves behind.
struct Result {
  std::map<std::string, std::string> weights;
  std::vector<std::int64_t> steps;
};

class Resume : public ::testing::Test {
 protected:
  struct Method {
    std::vector<Spec> chain;
    Table train;
    Spec loss{"cross_entropy", {}, {}};
    bool validation = false;
  };

  // Runs it, interrupted after every `stride` steps where stride > 0, each part with a lab of its own.
  Result run(const Method& method, int stride) {
    const TemporaryFolder folder;
    Student student;
    for (int interruptions = 0; student.empty(); ++interruptions) {
      if (interruptions > 200) throw Error("it never ends");
      TinyWorld::Options options;
      int steps = 0;
      bool fitting = false;  // the supervisor's own fit is left in peace
      if (stride > 0) options.checkpoints.asked_to_end = [&] { return fitting && ++steps == stride; };
      TinyWorld world(rows_, 3, options, folder.path());
      fitting = true;
      FitSpec spec = world.spec();
      Table train;
      for (const auto& [key, value] : options.train) train.set(key, value);
      spec.train = parse_train(merge(train, method.train), "train");
      spec.loss = method.loss;
      Supervision labels = world.weak_labels();
      if (method.validation) {
        std::vector<std::int64_t> first, rest;
        for (std::int64_t i = 0; i < labels.size(); ++i) (i < labels.size() / 3 ? first : rest).push_back(i);
        spec.validation = labels.select(first);
        labels = labels.select(rest);
      }
      try {
        student = world.run(method.chain, labels, spec);
        interruptions_ = interruptions;
      } catch (const Interrupted&) {
      }
      if (!student.empty()) return read(world, student);
    }
    return {};
  }

  Result read(TinyWorld& world, const Student& student) {
    Result result;
    const Store store = Store::read_only(world.store());
    for (std::size_t k = 0; k < student.members().size(); ++k) {
      const std::string path = store.path(student.members()[k]);
      for (const char* file : {"/model.safetensors", "/oracle.safetensors"}) {
        if (!std::filesystem::exists(path + file)) continue;
        const SafeTensors tensors = SafeTensors::open(path + file);
        for (const std::string& name : tensors.names()) {
          result.weights[std::to_string(k) + file + ":" + name] = digest(tensors.at(name));
        }
      }
      EXPECT_FALSE(std::filesystem::exists(store.checkpoint_path(student.members()[k])));
    }
    std::ifstream log(store.path(student.members()[0]) + "/log.jsonl");
    for (std::string line; std::getline(log, line);) {
      result.steps.push_back(nlohmann::json::parse(line).at("step"));
    }
    return result;
  }

  void expect_same_bits(const Method& method) {
    const Result whole = run(method, 0);
    ASSERT_FALSE(whole.weights.empty());
    for (const int stride : {1, 7}) {
      const Result pieces = run(method, stride);
      EXPECT_GE(interruptions_, 3);
      EXPECT_EQ(pieces.weights, whole.weights) << "interrupted every " << stride << " steps";
      EXPECT_EQ(pieces.steps, whole.steps);
    }
  }

  const testing::Rows rows_ = blobs(240, 3, 6, 1.0, 4);
  int interruptions_ = 0;
};

TEST_F(Resume, Plain) { expect_same_bits({{}, {{"epochs", 6}, {"batch", 7}}}); }

TEST_F(Resume, WithReplayedMicroBatchesAndMomentum) {
  expect_same_bits({{},
                    {{"epochs", 6},
                     {"batch", 8},
                     {"optimizer", "sgd"},
                     {"momentum", 0.9},
                     {"micro_tokens", 3},
                     {"activation_tokens", 1},
                     {"clip_norm", 0.5}}});
}

TEST_F(Resume, TheHeadAlone) {
  expect_same_bits({{}, {{"epochs", 6}, {"batch", 8}, {"trainable", "head"}, {"standardize", true}}});
}

TEST_F(Resume, EarlyStopping) {
  Method method{{}, {{"epochs", 8}, {"batch", 8}, {"early_stopping", true}, {"evaluate_every", 3}}};
  method.validation = true;
  expect_same_bits(method);
  method.train.set("patience", 4);
  expect_same_bits(method);
}

TEST_F(Resume, AverageOfTheWeights) {
  Method method{{Spec{"ema", {{"decay", 0.9}}, {}}}, {{"epochs", 6}, {"batch", 8}}};
  expect_same_bits(method);
  method.train.set("early_stopping", true);
  method.validation = true;
  expect_same_bits(method);
}

TEST_F(Resume, LossWithAState) {
  Method method{{}, {{"epochs", 6}, {"batch", 8}}};
  method.loss = {"early_learning", {}, {}};
  expect_same_bits(method);
}

TEST_F(Resume, TwoStudents) {
  expect_same_bits({{Spec{"co_teaching", {{"noise", 0.3}}, {}}}, {{"epochs", 6}, {"batch", 8}}});
  expect_same_bits({{Spec{"co_teaching_plus", {{"noise", 0.3}}, {}}}, {{"epochs", 6}, {"batch", 8}}});
}

TEST_F(Resume, RulesThatDrawAndKeep) {
  expect_same_bits({{Spec{"mixup", {}, {}}}, {{"epochs", 6}, {"batch", 8}}});
  expect_same_bits({{Spec{"divide_mix", {}, {}}}, {{"epochs", 6}, {"batch", 8}}});
  expect_same_bits({{Spec{"divdis", {{"labels", 10}}, {}}}, {{"epochs", 6}, {"batch", 8}}});
}

TEST_F(Resume, EveryFitOfAChain) {
  expect_same_bits({{Spec{"self_train", {{"rounds", 1}}, {}}}, {{"epochs", 3}, {"batch", 16}}});
}

}  // namespace
}  // namespace w2s
