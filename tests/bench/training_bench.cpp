// Whole fits, data in memory: one iteration is one fit, "steps" optimiser steps a second.
#include <benchmark/benchmark.h>

#include "engine/trainer.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kClasses = 10;

Examples images(std::int64_t n, std::int64_t size) {
  Columns columns;
  for (std::int64_t i = 0; i < n; ++i) columns.ids.push_back(std::to_string(i));
  columns.dense = at::sin(at::arange(n * size, at::kFloat)).view({n, size});
  columns.labels = at::arange(n, at::kLong).remainder(kClasses);
  return Examples(std::move(columns));
}

Supervision soft_labels(const Examples& examples) {
  const Tensor scores = at::cos(at::arange(examples.size() * kClasses, at::kFloat)).view({-1, kClasses});
  return Supervision::soft(examples, scores.softmax(1));
}

void fit(Trainee& trainee, ILoss& loss, const TrainParams& train, const Supervision& labels,
         std::int64_t& steps) {
  Trainer trainer(trainee, loss, "cross_entropy", train, labels, nullptr, Stream(0, "fit"), at::kCPU, {});
  steps += trainer.run().steps;
}

// The quickstart's students: a linear probe on 4,500 × 576 features, batches of 128, 12 epochs.
void FitProbe(benchmark::State& state) {
  const Registry registry = load_plugins();
  const Supervision labels = soft_labels(images(4500, 1));
  const Tensor features = at::sin(at::arange(4500 * 576, at::kFloat)).view({4500, 576});
  TrainParams train;
  train.trainable = Trainable::head();
  train.head_bias = train.standardize = true;
  train.optimizer = OptimizerKind::adamw;
  train.lr = 2e-3;
  train.batch = 128;
  train.epochs = 12;
  std::int64_t steps = 0;
  for (auto _ : state) {
    const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"cross_entropy", {}, {}});
    Head head(576, TaskKind::classification, kClasses, train);
    head.standardize(features);
    ProbeTrainee trainee(head, features, 1);
    fit(trainee, *loss, train, labels, steps);
  }
  state.counters["steps"] = benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
}
BENCHMARK(FitProbe)->Unit(benchmark::kMillisecond);

// All weights of a 784-256-128 perceptron, 4,500 examples, batches of 128, one epoch.
void FitPerceptron(benchmark::State& state) {
  const Registry registry = load_plugins();
  const Supervision labels = soft_labels(images(4500, 784));
  TrainParams train;
  train.batch = 128;
  train.epochs = 1;
  std::int64_t steps = 0;
  for (auto _ : state) {
    const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"cross_entropy", {}, {}});
    const std::unique_ptr<IModel> model = registry.make_model(Spec{"mlp", {}, {}});
    model->build({TaskKind::classification, kClasses, {784}}, Stream(0, "weights"));
    const Encoded inputs = model->encode(labels.examples, TaskKind::classification);
    Head head(model->feature_size(), TaskKind::classification, kClasses, train);
    NetworkTrainee trainee(*model, head, inputs, Trainable::all(), at::kCPU);
    fit(trainee, *loss, train, labels, steps);
  }
  state.counters["steps"] = benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
}
BENCHMARK(FitPerceptron)->Unit(benchmark::kMillisecond);

// Sequences of 16 to 1,039 tokens.
class Sequences final : public Trainee {
 public:
  Tensor logits(const std::vector<std::int64_t>&) override { return {}; }
  std::int64_t tokens(std::int64_t example) const override { return 16 + example * 7919 % 1024; }
  std::int64_t size() const override { return 1 << 20; }
  std::vector<Parameters::Item*> trained() override { return {}; }
};

// Cutting one batch into micro-batches. Argument: sequences in the batch.
void CutMicroBatches(benchmark::State& state) {
  const Sequences sequences;
  std::vector<std::int64_t> batch;
  for (std::int64_t i = 0; i < state.range(0); ++i) batch.push_back(i);
  for (auto _ : state) benchmark::DoNotOptimize(micro_batches(sequences, batch, kMicroTokens));
}
BENCHMARK(CutMicroBatches)->Arg(32)->Arg(1024)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace w2s
