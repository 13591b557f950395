#include "engine/trainer.hpp"

#include <gtest/gtest.h>

#include <limits>

#include <w2s/error.hpp>

namespace w2s {
namespace {

// Batch statistics make the result depend on how the batch is cut, unless the engine hides that.
class BatchMeanLoss final : public ILoss {
 public:
  Tensor forward(const LossInput& in) override {
    const Tensor p = in.logits.softmax(1);
    return -(in.targets * (p * p.mean(0, true)).log()).sum(1);
  }
};

class CrossEntropy : public ILoss {
 public:
  Tensor forward(const LossInput& in) override { return -(in.targets * in.logits.log_softmax(1)).sum(1); }
};

class BrokenLoss final : public CrossEntropy {
 public:
  enum class How { nan, shape, detached };
  BrokenLoss(How how, int at_step) : how_(how), at_step_(at_step) {}
  Tensor forward(const LossInput& in) override {
    const Tensor good = CrossEntropy::forward(in);
    if (step_++ < at_step_) return good;
    if (how_ == How::shape) return in.logits;
    if (how_ == How::detached) return good.detach();
    return good * std::numeric_limits<double>::quiet_NaN();
  }

 private:
  How how_;
  int at_step_, step_ = 0;
};

// Rows of uneven length through a small network: tokens(i) = 1 + i mod 7.
class ToyTrainee final : public Trainee {
 public:
  explicit ToyTrainee(std::int64_t n) : n_(n), x_(at::sin(at::arange(n * 6, at::kFloat)).view({n, 6})) {
    weights_.add("first", at::cos(at::arange(30, at::kFloat)).view({5, 6}) * 0.4);
    weights_.add("second", at::sin(at::arange(15, at::kFloat)).view({3, 5}) * 0.4);
  }
  Tensor logits(const std::vector<std::int64_t>& examples) override {
    const Tensor h =
        at::tanh(at::linear(x_.index_select(0, at::tensor(examples, at::kLong)), weights_["first"]));
    return at::linear(h, weights_["second"]);
  }
  std::int64_t tokens(std::int64_t example) const override { return 1 + example % 7; }
  std::int64_t size() const override { return n_; }
  std::vector<Parameters::Item*> trained() override { return {&weights_.items()[0], &weights_.items()[1]}; }
  Parameters weights_;

 private:
  std::int64_t n_;
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

struct Outcome {
  std::vector<double> losses;
  Tensor first;
  TrainResult result;
};

Outcome train(ILoss& loss, TrainParams params, bool with_validation = false) {
  ToyTrainee trainee(60);
  const Supervision training = toy_labels(0, 40), validation = toy_labels(40, 60);
  Outcome run;
  Trainer trainer(trainee, loss, "toy", params, training, with_validation ? &validation : nullptr,
                  Stream(3, "fit"), at::kCPU,
                  [&](const Progress& report) { run.losses.push_back(report.loss); });
  run.result = trainer.run();
  run.first = trainee.weights_["first"].detach().clone();
  return run;
}

TrainParams settings() {
  TrainParams params;
  params.epochs = 3;
  params.batch = 16;
  params.lr = 0.05;
  return params;
}

TEST(Trainer, MicroBatchingAndReplayDoNotChangeTheResult) {
  TrainParams params = settings();
  BatchMeanLoss loss;
  const Outcome whole = train(loss, params);
  ASSERT_EQ(whole.losses.size(), 9u);  // the last batch of each epoch is smaller
  for (const auto& [micro, activations] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1 << 20}, {20, 1 << 20}, {20, 1}, {1, 1}}) {
    params.micro_tokens = micro;
    params.activation_tokens = activations;
    const Outcome cut = train(loss, params);
    for (std::size_t i = 0; i < whole.losses.size(); ++i) EXPECT_NEAR(cut.losses[i], whole.losses[i], 1e-5);
    EXPECT_TRUE(at::allclose(cut.first, whole.first, 1e-4, 1e-5));
  }
}

TEST(Trainer, SameSeedSameBits) {
  BatchMeanLoss loss;
  EXPECT_TRUE(at::equal(train(loss, settings()).first, train(loss, settings()).first));
}

TEST(Trainer, ScalingAllWeightsChangesNothing) {
  CrossEntropy loss;
  ToyTrainee a(60), b(60);
  Supervision plain = toy_labels(0, 40), scaled = toy_labels(0, 40);
  scaled.weights = scaled.weights * 8;
  Trainer(a, loss, "toy", settings(), plain, nullptr, Stream(3, "fit"), at::kCPU, {}).run();
  Trainer(b, loss, "toy", settings(), scaled, nullptr, Stream(3, "fit"), at::kCPU, {}).run();
  EXPECT_TRUE(at::equal(a.weights_["first"], b.weights_["first"]));
}

TEST(Trainer, ZeroWeightTakesAnExampleOut) {
  CrossEntropy loss;
  TrainParams params = settings();
  params.shuffle = false;
  params.batch = 40;
  ToyTrainee a(60), b(60);
  Supervision part = toy_labels(0, 40), half = toy_labels(0, 20);
  part.weights.slice(0, 20).zero_();
  Trainer(a, loss, "toy", params, part, nullptr, Stream(3, "fit"), at::kCPU, {}).run();
  Trainer(b, loss, "toy", params, half, nullptr, Stream(3, "fit"), at::kCPU, {}).run();
  EXPECT_TRUE(at::allclose(a.weights_["first"], b.weights_["first"], 1e-4, 1e-6));
}

std::string message_of(BrokenLoss::How how) {
  BrokenLoss loss(how, 4);
  try {
    train(loss, settings());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Trainer, NanLossNamesLossStepAndExample) {
  const std::string message = message_of(BrokenLoss::How::nan);
  EXPECT_NE(message.find("loss 'toy' at step 4 (epoch 1) is not a number for example 'row "),
            std::string::npos)
      << message;
}

TEST(Trainer, WrongShapeSaysWhatWasExpected) {
  EXPECT_EQ(message_of(BrokenLoss::How::shape),
            "loss 'toy' at step 4 (epoch 1) returned shape [16, 3]; expected one value per example, [16]");
}

TEST(Trainer, LossWithoutGradientIsRefused) {
  EXPECT_EQ(message_of(BrokenLoss::How::detached),
            "loss 'toy' at step 4 (epoch 1) does not depend on the logits: its result has no gradient");
}

TEST(Trainer, EarlyStoppingKeepsTheWeightsOfTheBestValidation) {
  CrossEntropy loss;
  TrainParams params = settings();
  params.epochs = 8;
  params.early_stopping = true;
  params.evaluate_every = 2;
  const Outcome run = train(loss, params, /*with_validation=*/true);
  EXPECT_EQ(run.result.kept_step % 2, 0);
  EXPECT_GT(run.result.kept_step, 0);
  ASSERT_FALSE(run.result.oracle.empty());
  if (run.result.kept_step == run.result.oracle_step) {
    EXPECT_TRUE(at::equal(run.result.oracle.at("first"), run.first));
  }
  params.patience = 1;
  EXPECT_LE(train(loss, params, true).result.steps, run.result.steps);
}

TEST(Trainer, EarlyStoppingWithoutValidationIsRefused) {
  CrossEntropy loss;
  TrainParams params = settings();
  params.early_stopping = true;
  EXPECT_THROW(train(loss, params), UsageError);
}

}  // namespace
}  // namespace w2s
