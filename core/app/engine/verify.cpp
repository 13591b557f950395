// w2s verify: fits a run anew from its record alone and compares.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/scratch_folder.hpp"
#include "commands.hpp"
#include "experiment_options.hpp"
#include "launch/pool.hpp"
#include "launch/verify.hpp"
#include "plan/validate.hpp"
#include "results/ledger.hpp"

namespace w2s::app {
namespace {

constexpr double kInexactTolerance = 1e-3;  // sums in another order: on a GPU, of a team

Record find_record(const Store& store, const std::string& wanted) {
  std::vector<std::string> found;
  for (const ObjectInfo& object : store.list("record")) {
    if (!wanted.empty() && object.key.starts_with(wanted)) found.push_back(object.key);
  }
  if (found.size() != 1) {
    throw UsageError(
        fmt::format("'{}' is the beginning of {} runs in '{}'; w2s plan EXPERIMENT.toml shows the keys",
                    wanted, found.size(), store.root()));
  }
  return store.manifest(found[0]).at("record").get<Record>();
}

// The most processes that carried out the run or a fit of it together.
std::int64_t processes_of(const Record& record, const Store& store) {
  std::int64_t most = record.provenance.value("processes", std::int64_t{1});
  for (const std::string& fit : record.fits) {
    if (store.has(fit)) most = std::max(most, store.manifest(fit).value("processes", std::int64_t{1}));
  }
  return most;
}

struct VerifyOptions {
  std::int64_t jobs = 1;
  std::optional<double> tolerance;
  bool all = false;
};
void describe(OptionSchema<VerifyOptions>& s) {
  s.option("jobs,j", &VerifyOptions::jobs, "N", "jobs at once").in(1, 10'000);
  s.option(
       "tolerance", &VerifyOptions::tolerance, "NUMBER",
       "largest difference of a probability; by default 0 on the CPU, and 0.001 on a GPU and for runs that "
       "several processes carried out together")
      .at_least(0);
  s.option("all", &VerifyOptions::all, "", "show also what of the recipe is the same");
}

LoadedExperiments experiment_of(const Record& record, const PluginOption& plugins) {
  const std::string text = record.provenance.value("experiment", "");
  if (text.empty()) throw UsageError("the record of '" + record.key.substr(0, 12) + "' holds no experiment");
  return load_text(text, "the record's experiment", plugins);
}

bool print(const std::vector<Comparison>& comparisons, bool all) {
  bool same = true;
  for (const Comparison& comparison : comparisons) {
    same = same && (comparison.same || !comparison.result);
    if (all || !comparison.same) {
      fmt::print("  {:<9} {}: {}\n", comparison.same ? "same" : "DIFFERENT", comparison.what,
                 comparison.detail);
    }
  }
  return same;
}

// True where the results agree.
bool verify_one(const Store& store, const std::string& wanted, const PluginOption& plugins,
                const VerifyOptions& how) {
  const Record record = find_record(store, wanted);
  if (record.kind == "pretrain")
    throw UsageError("'" + wanted + "' is a pretraining: verify a run that used it");
  LoadedExperiments loaded = experiment_of(record, plugins);
  const ScratchFolder scratch("w2s-verify-");
  Store again(scratch.path());
  Plan plan = make_plan(std::move(loaded.experiments), loaded.registry, nullptr);
  const Job job = plan.jobs[job_of(record, plan)];
  fmt::print("{}  {}\n", record.key.substr(0, 12), job.title());
  print(compare_recipes(record, plan, job, loaded.registry), how.all);
  keep_only(plan, {job.key});

  PoolOptions pool;
  const std::string device = record.provenance.value("device", "cpu");
  pool.jobs = static_cast<int>(how.jobs);
  pool.devices = {device};
  pool.job.threads = record.provenance.value("threads", 1);
  Display display(isatty(STDERR_FILENO) != 0);
  const Summary summary = run_plan(plan, loaded.registry, again, pool, display);
  if (summary.interrupted) throw Error("interrupted");
  if (!again.has(job.key)) {
    fmt::print("  DIFFERENT it does not run any more: {}\n",
               summary.failures.empty() ? "" : summary.failures[0].reason);
    return false;
  }
  const Record anew = again.manifest(job.key).at("record").get<Record>();
  const std::int64_t processes = processes_of(record, store);
  const bool exact = processes == 1 && !device.starts_with("cuda");
  const double allowed = how.tolerance.value_or(exact ? 0 : kInexactTolerance);
  if (processes > 1) {
    fmt::print(
        "  note      {} processes made it together, one has made it again: their sums run in another order, "
        "and probabilities may differ by {:g} (--tolerance)\n",
        processes, allowed);
  }
  const bool same = print(compare_results(store, record, again, anew, allowed), true);
  fmt::print("{}: {}\n", same ? "verified" : "NOT verified",
             allowed == 0 ? (same ? "the same bits" : "other bits") : fmt::format("within {:g}", allowed));
  return same;
}

}  // namespace

int verify(const Command& command, const Args& args) {
  Options options(command, {"run"});
  StoreOption place;
  PluginOption plugins;
  VerifyOptions how;
  options.take(place);
  options.take(plugins);
  options.take(how);
  if (!options.parse(args)) return 0;
  if (options.arguments("run").empty()) options.argument("run");  // says what is missing
  spdlog::set_level(spdlog::level::warn);
  const Store store = Store::read_only(place.runs);
  bool same = true;
  for (const std::string& run : options.arguments("run")) same = verify_one(store, run, plugins, how) && same;
  return same ? 0 : 1;
}

}  // namespace w2s::app
