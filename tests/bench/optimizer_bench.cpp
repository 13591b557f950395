// One AdamW step on 5 million parameters: the engine's flat buffers against a loop of ATen's in-place
// operations over the tensors. Argument: in how many tensors the parameters lie.
#include <benchmark/benchmark.h>

#include <cmath>

#include "engine/optimizer.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kParameters = 5'000'000;

std::vector<Tensor> parameters(std::int64_t tensors) {
  std::vector<Tensor> made;
  for (std::int64_t i = 0; i < tensors; ++i) {
    Tensor parameter = at::sin(at::arange(kParameters / tensors, at::kFloat)).requires_grad_(true);
    parameter.mutable_grad() = at::cos(at::arange(kParameters / tensors, at::kFloat));
    made.push_back(parameter);
  }
  return made;
}

void OptimizerFlat(benchmark::State& state) {
  TrainParams train;
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.01;
  Optimizer optimizer(parameters(state.range(0)), train);
  for (auto _ : state) optimizer.step(1e-3);
}
BENCHMARK(OptimizerFlat)->Arg(150)->Arg(2000)->Unit(benchmark::kMillisecond);

void OptimizerLoop(benchmark::State& state) {
  at::NoGradGuard no_grad;
  std::vector<Tensor> all = parameters(state.range(0)), first, second;
  for (const Tensor& parameter : all) {
    first.push_back(at::zeros_like(parameter));
    second.push_back(at::zeros_like(parameter));
  }
  const double lr = 1e-3, decay = 0.01, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  int t = 0;
  for (auto _ : state) {
    ++t;
    const double size = lr / (1 - std::pow(beta1, t)), root = std::sqrt(1 - std::pow(beta2, t));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Tensor g = all[i].grad();
      all[i].mul_(1 - lr * decay);
      first[i].mul_(beta1).add_(g, 1 - beta1);
      second[i].mul_(beta2).addcmul_(g, g, 1 - beta2);
      all[i].addcdiv_(first[i], second[i].sqrt().div_(root).add_(eps), -size);
    }
  }
}
BENCHMARK(OptimizerLoop)->Arg(150)->Arg(2000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace w2s
