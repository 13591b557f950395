// w2s plan and w2s validate.
#include "plan/changes.hpp"

#include <filesystem>
#include <iostream>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "commands.hpp"
#include "experiment_options.hpp"
#include "plan/remarks.hpp"
#include "plan/validate.hpp"

namespace w2s::app {
namespace {

struct PlanOptions {
  bool summary = false;
};
void describe(OptionSchema<PlanOptions>& s) { s.option("summary", &PlanOptions::summary, "", "counts only"); }

std::string fits_of(const Store& store, const Job& job) {
  std::string text;
  for (const auto& fit : store.manifest(job.key).at("record").at("fits").get<std::vector<std::string>>()) {
    text += (text.empty() ? "  fits " : " ") + fit.substr(0, 12);
  }
  return text;
}

}  // namespace

std::vector<std::string> anew(const Plan& plan, const Store& store) {
  std::vector<std::string> lines;
  for (const auto& [changes, count] : computed_anew(plan, store)) {
    lines.push_back(fmt::format("{} of the open jobs {} results of before, which stay; changed since: {}",
                                count, count == 1 ? "has" : "have", changes));
  }
  return lines;
}

int plan(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  ExperimentOptions wanted;
  StoreOption place;
  PlanOptions how;
  take(options, wanted);
  options.take(place);
  options.take(how);
  if (!options.parse(args)) return 0;
  LoadedExperiments loaded = load(options, wanted);
  // A plan writes nothing: where there is no store yet, every job is open.
  std::optional<Store> store;
  if (std::filesystem::exists(place.runs)) store.emplace(Store::read_only(place.runs));
  const Plan plan = make_plan(std::move(loaded.experiments), loaded.registry, store ? &*store : nullptr);
  if (!how.summary) {
    for (const Job& job : plan.jobs) {
      fmt::print("{}  {}  {}{}\n", job.done ? "done" : "open", job.key.substr(0, 12), job.title(),
                 job.done ? fits_of(*store, job) : "");
    }
  }
  fmt::print("{} jobs: {} done, {} open\n", plan.jobs.size(), plan.jobs.size() - plan.open(), plan.open());
  if (store) {
    for (const std::string& line : anew(plan, *store)) fmt::print("{}\n", line);
  }
  return 0;
}

int validate(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  ExperimentOptions wanted;
  take(options, wanted);
  if (!options.parse(args)) return 0;
  const LoadedExperiments loaded = load(options, wanted);
  for (const Experiment& experiment : loaded.experiments) w2s::validate(experiment, loaded.registry);
  const Experiment& first = loaded.experiments[0];
  fmt::print("{}: valid: {} method{} × {} pair{} × {} seed{}{}\n", first.name, first.methods.size(),
             first.methods.size() == 1 ? "" : "s", first.pairs.size(), first.pairs.size() == 1 ? "" : "s",
             first.seeds.size(), first.seeds.size() == 1 ? "" : "s",
             loaded.experiments.size() > 1
                 ? fmt::format(" × {} points of the sweep", loaded.experiments.size())
                 : "");
  std::set<std::string> notes;  // points of a sweep share most of theirs
  for (const Experiment& experiment : loaded.experiments) {
    for (const std::string& note : remarks(experiment, loaded.registry)) notes.insert(note);
  }
  for (const std::string& note : notes) fmt::print(stderr, "note: {}\n", note);
  return 0;
}

}  // namespace w2s::app
