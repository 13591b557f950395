// Planning: from an experiment's text to its jobs with their keys. Argument: seeds, each of 25 jobs (a floor,
// a ceiling and 23 methods); 400 seeds make 10,000 jobs.
#include <benchmark/benchmark.h>

#include <fstream>

#include <fmt/format.h>

#include "base/scratch_folder.hpp"
#include "plan/plan.hpp"

namespace w2s {
namespace {

constexpr int kMethods = 23;

void write_images(const std::string& folder) {
  for (const char* part : {"train", "t10k"}) {
    std::ofstream(folder + "/" + part + "-images-idx3-ubyte") << "pixels";
    std::ofstream(folder + "/" + part + "-labels-idx1-ubyte") << "labels";
  }
}

std::string experiment_text(const std::string& folder, std::int64_t seeds) {
  std::string text = fmt::format(R"(
seeds = {}
task = {{ type = "image_classification", path = "{}" }}
pairs = {{ weak = "small", strong = "large" }}
[models]
small = {{ type = "mlp", hidden = [16] }}
large = {{ type = "mlp", hidden = [64] }}
[methods]
)",
                                 seeds, folder);
  for (int i = 0; i < kMethods; ++i) {
    text +=
        fmt::format("m{} = {{ loss = {{ type = \"gce\", q = {} }}, strategy = [\"confidence_filter\"] }}\n",
                    i, 0.1 + 0.03 * i);
  }
  return text;
}

void PlanJobs(benchmark::State& state) {
  const ScratchFolder folder("w2s-bench-");
  write_images(folder.path());
  const Registry registry = load_plugins();
  const Store store(folder.path() + "/runs");
  const std::string text = experiment_text(folder.path(), state.range(0));
  std::size_t jobs = 0;
  for (auto _ : state)
    jobs = make_plan(parse_experiments(text, folder.path() + "/many.toml"), registry, &store).jobs.size();
  state.counters["jobs"] = static_cast<double>(jobs);
}
BENCHMARK(PlanJobs)->Arg(4)->Arg(400)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace w2s
