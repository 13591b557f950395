// Time from starting a program to its end, as a user waits for it.
#include <benchmark/benchmark.h>

#include "base/run_program.hpp"

namespace w2s {
namespace {

void measure(benchmark::State& state, const std::vector<std::string>& command) {
  for (auto _ : state) {
    if (run_program(command).status != 0) return state.SkipWithError(("'" + command[0] + "' failed").c_str());
  }
}

void StartHelp(benchmark::State& state) { measure(state, {W2S_PROGRAMS "/w2s", "--help"}); }
BENCHMARK(StartHelp)->UseRealTime()->Unit(benchmark::kMillisecond);

void StartListPlugins(benchmark::State& state) { measure(state, {W2S_PROGRAMS "/w2s", "list"}); }
BENCHMARK(StartListPlugins)->UseRealTime()->Unit(benchmark::kMillisecond);

void StartLibTorchAlone(benchmark::State& state) { measure(state, {W2S_LOAD_TORCH}); }
BENCHMARK(StartLibTorchAlone)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace w2s
