// w2s leaderboard over 102,300 records, as a user waits for it: 11 experiments of 10 tasks, 6 pairs of
// models, 30 methods and 5 seeds, 200 test examples each. The store lies in memory where there is /dev/shm
// (about 2 GB); making it takes about a minute, once.
#include <benchmark/benchmark.h>

#include <fstream>
#include <random>

#include <fmt/format.h>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "base/run_program.hpp"
#include "base/scratch_folder.hpp"
#include "results/ledger.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

using nlohmann::json;

constexpr int kExperiments = 11, kTasks = 10, kMethods = 30, kSeeds = 5, kModels = 3;
constexpr int kExamples = 200;
const std::vector<std::pair<int, int>> kPairs = {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}};

/// Objects written as a store has them, without its syncs: a bench needs no safety.
class Writer {
 public:
  explicit Writer(std::string root) : root_(std::move(root)) { Store{root_}; }

  /// Returns the key.
  std::string put(const std::string& name, Record record, double accuracy) {
    record.key = sha256(name);
    record.tests["test"] = {{"accuracy", accuracy},
                            {"auroc", accuracy + 0.05},
                            {"balanced_accuracy", accuracy},
                            {"brier", 0.9 - accuracy},
                            {"ece", 0.0312},
                            {"log_loss", 1 - accuracy / 2}};
    record.fits = {sha256(record.key)};
    record.cost = {{"computed", 1}, {"fits", 3}, {"peak_bytes", 123456789}, {"seconds", 1.5}};
    record.provenance = {{"code", sha256(name.substr(0, name.rfind(' ')))},
                         {"commit", std::string(40, 'c')},
                         {"device", "cpu"},
                         {"engine", sha256("engine")},
                         {"experiment", resolved_},
                         {"plugins", {{"loss/gce", sha256("gce")}, {"task/text", sha256("text")}}},
                         {"torch", "1.13.1"}};
    std::string correct(kExamples, '\0');
    for (char& right : correct) right = std::uniform_real_distribution<>()(random_) < accuracy;
    const std::string folder = object_folder(root_, record.key);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/test.correct") << correct;
    json manifest = {{"key", record.key},
                     {"kind", "record"},
                     {"created", 1790000000 + written_++ / 10},
                     {"files", {{"test.correct", {{"bytes", kExamples}, {"sha256", sha256(correct)}}}}},
                     {"record", record}};
    std::ofstream(folder + "/" + kManifestName) << seal_manifest(manifest);
    return record.key;
  }

  double noise() { return std::normal_distribution<>(0, 0.01)(random_); }
  double share() { return std::uniform_real_distribution<>()(random_); }

 private:
  static std::string settings() {
    std::string text = "name = \"sweep\"\n";
    for (int i = 0; i < 100; ++i) text += fmt::format("setting_{0} = {0}\n", i);
    return text;
  }

  const std::string root_, resolved_ = settings();
  std::mt19937_64 random_{1};
  int written_ = 0;
};

void write_experiment(Writer& writer, const std::string& root, const std::string& experiment) {
  std::vector<LedgerEntry> ledger;
  const auto put = [&](Record record, double accuracy) {
    const std::string name = fmt::format("{} {} {} {} {} {}", experiment, record.task, record.weak,
                                         record.strong, record.method, record.seed);
    const std::string key = writer.put(name, record, accuracy);
    ledger.push_back({key, record.kind, record.task, record.weak, record.strong, record.method, record.floor,
                      record.ceiling, record.seed, json::object()});
    return key;
  };
  for (int task = 0; task < kTasks; ++task) {
    Record common;
    common.experiment = experiment;
    common.task = fmt::format("task-{}", task);
    common.protocol = sha256(experiment + common.task);
    std::map<std::pair<int, std::int64_t>, std::string> floors, ceilings;
    for (int model = 0; model < kModels; ++model) {
      for (common.seed = 0; common.seed < kSeeds; ++common.seed) {
        const double better = 0.01 * model + 0.004 * static_cast<double>(common.seed);
        Record floor = common, ceiling = common;
        floor.kind = "floor";
        floor.weak = fmt::format("weak{}", model);
        floors[{model, common.seed}] = put(floor, 0.6 + better);
        ceiling.kind = "ceiling";
        ceiling.strong = fmt::format("strong{}", model);
        ceilings[{model, common.seed}] = put(ceiling, 0.8 + better);
      }
    }
    common.kind = "student";
    for (const auto& [weak, strong] : kPairs) {
      for (int method = 0; method < kMethods; ++method) {
        for (common.seed = 0; common.seed < kSeeds; ++common.seed) {
          Record student = common;
          student.weak = fmt::format("weak{}", weak);
          student.strong = fmt::format("strong{}", strong);
          student.method = method == 0 ? "naive" : fmt::format("method_{:02}", method);
          student.floor = floors[{weak, common.seed}];
          student.ceiling = ceilings[{strong, common.seed}];
          for (const char* name :
               {"agreement", "agreement_supervisor_right", "agreement_supervisor_wrong", "capa",
                "chance_adjusted_agreement", "error_consistency", "errors_corrected", "gain", "misfit",
                "right_lost", "student_accuracy", "supervisor_accuracy", "weak_label_accuracy"})
            student.supervision[name] = writer.share();
          put(student, 0.68 + 0.002 * method + 0.004 * static_cast<double>(common.seed) + writer.noise());
        }
      }
    }
  }
  save_ledger(root, experiment, ledger, {});
}

struct LargeStore {
  ScratchFolder folder{
      std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path(),
      "w2s-bench-"};
  LargeStore() {
    Writer writer(folder.path());
    for (int i = 0; i < kExperiments; ++i)
      write_experiment(writer, folder.path(), fmt::format("sweep-{}", i));
    Store(folder.path()).reindex();
  }
};

void Leaderboard100000(benchmark::State& state) {
  static const LargeStore store;
  const std::vector<std::string> command = {W2S_PROGRAMS "/w2s", "leaderboard", "--runs",
                                            store.folder.path()};
  for (auto _ : state) {
    const ProgramResult result = run_program(command);
    if (result.status != 0) return state.SkipWithError(result.output.c_str());
    state.counters["lines"] =
        static_cast<double>(std::count(result.output.begin(), result.output.end(), '\n'));
  }
}
BENCHMARK(Leaderboard100000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace w2s
