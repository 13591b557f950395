// What a call through the registry costs: the forward pass of a loss plugin, with all guards, against
// the same tensor operations in this file. Argument: examples in the batch.
#include <benchmark/benchmark.h>

#include <w2s/losses.hpp>

#include "plugins/registry.hpp"

namespace w2s {
namespace {

constexpr double kExponent = 0.7;

LossInput batch_of(std::int64_t examples) {
  LossInput in;
  in.logits = at::sin(at::arange(examples * 2, at::kFloat)).view({examples, 2}).requires_grad_(true);
  in.targets = at::cos(at::arange(examples * 2, at::kFloat)).view({examples, 2}).softmax(1);
  in.index = at::arange(examples, at::kLong);
  in.weights = at::ones({examples});
  return in;
}

void LossThroughRegistry(benchmark::State& state) {
  const Registry registry = load_plugins();
  Table params;
  params.set("q", kExponent);
  const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"gce", params, {}});
  const LossInput in = batch_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(loss->forward(in));
}
BENCHMARK(LossThroughRegistry)->Arg(32)->Arg(1024);

void LossInline(benchmark::State& state) {
  const LossInput in = batch_of(state.range(0));
  for (auto _ : state) {
    const Tensor power = (kExponent * log_probabilities(in.logits)).exp();
    benchmark::DoNotOptimize((in.targets * (1 - power)).sum(-1) / kExponent);
  }
}
BENCHMARK(LossInline)->Arg(32)->Arg(1024);

}  // namespace
}  // namespace w2s
