// The store: one record put as a run does (written aside, synced, renamed, indexed) in the folder for
// temporary files, and look-ups among 10,000 records, in memory where there is /dev/shm: syncs to a disk
// would take minutes.
#include <benchmark/benchmark.h>

#include <fstream>

#include <w2s/digest.hpp>

#include "base/scratch_folder.hpp"
#include "results/record.hpp"
#include "store/store.hpp"

namespace w2s {
namespace {

constexpr int kRecords = 10'000;

std::string key_of(int i) { return sha256("record " + std::to_string(i)); }

void put(Store& store, int i) {
  Record record;
  record.key = key_of(i);
  record.kind = "student";
  record.task = "images";
  record.weak = "small";
  record.strong = "large";
  record.method = "method " + std::to_string(i % 25);
  record.seed = i / 25;
  record.tests["test"] = {{"accuracy", 0.7}, {"auroc", 0.8}, {"log_loss", 0.6}, {"brier", 0.3}};
  ObjectWriter writer = store.begin(record.key, "record");
  std::ofstream(writer.folder() + "/predictions") << std::string(4096, 'p');
  writer.manifest()["record"] = record;
  writer.commit();
}

void StorePut(benchmark::State& state) {
  const ScratchFolder folder("w2s-bench-");
  Store store(folder.path());
  int i = 0;
  for (auto _ : state) put(store, i++);
}
BENCHMARK(StorePut)->UseRealTime()->Unit(benchmark::kMicrosecond);

struct FilledStore {
  ScratchFolder folder{
      std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path(),
      "w2s-bench-"};
  Store store{folder.path()};
  FilledStore() {
    for (int i = 0; i < kRecords; ++i) put(store, i);
  }
};

Store& filled_store() {
  static FilledStore filled;
  return filled.store;
}

void StoreHas(benchmark::State& state) {
  const Store& store = filled_store();
  std::vector<std::string> keys;
  for (int i = 0; i < 2 * kRecords; ++i) keys.push_back(key_of(i));
  std::size_t i = 0, found = 0;
  for (auto _ : state) found += store.has(keys[i++ % keys.size()]) ? 1 : 0;
  benchmark::DoNotOptimize(found);
}
BENCHMARK(StoreHas)->Unit(benchmark::kMicrosecond);

void StoreRecords10000(benchmark::State& state) {
  const Store& store = filled_store();
  for (auto _ : state) {
    if (store.records().size() != kRecords) return state.SkipWithError("records are missing");
  }
}
BENCHMARK(StoreRecords10000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace w2s
