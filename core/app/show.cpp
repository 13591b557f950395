// w2s show: one record, with where its numbers came from.
#include <fmt/format.h>

#include "base/files.hpp"
#include "commands.hpp"
#include "report/curves.hpp"
#include "results/ledger.hpp"
#include "store/store.hpp"

namespace w2s::app {
namespace {

struct ShowOptions {
  bool json = false, config = false;
};
void describe(OptionSchema<ShowOptions>& s) {
  s.option("json", &ShowOptions::json, "", "the record as JSON");
  s.option("config", &ShowOptions::config, "", "the resolved experiment too");
}

void print_measures(const char* title, const Measures& measures) {
  if (measures.empty()) return;
  fmt::print("\n{}\n", title);
  for (const auto& [name, value] : measures) fmt::print("  {:<28} {:.6g}\n", name.text(), value);
}

void print_fit(const Store& store, const std::string& key) {
  if (!store.has(key)) {
    fmt::print("  {}  (removed from the store)\n", key.substr(0, 16));
    return;
  }
  const nlohmann::json manifest = store.manifest(key);
  const std::string kind = manifest.at("kind");
  fmt::print("  {}  {} {}", key.substr(0, 16), kind, manifest.value("model", ""));
  if (kind == "fit") {
    fmt::print(": loss {}, {} examples, {} steps, kept step {}",
               manifest.at("loss").at("type").get<std::string>(), manifest.at("examples").get<std::int64_t>(),
               manifest.at("steps").get<std::int64_t>(), manifest.at("kept_step").get<std::int64_t>());
  }
  const std::string folder = store.path(key);
  fmt::print(", {:.2f} s, {}\n", manifest.value("seconds", 0.0), folder);
  if (const std::string log = folder + "/log.jsonl"; exists(log)) {
    for (const std::string& line : curves_of_log(read_file(log), 40)) fmt::print("      {}\n", line);
  }
}

void print_record(const Store& store, const Record& record, bool config) {
  fmt::print("{} {}\n", record.kind, record.key);
  fmt::print("  task {}, seed {}\n", record.task, record.seed);
  if (!record.method.empty()) fmt::print("  method {}\n", record.method);
  if (!record.weak.empty()) fmt::print("  weak {}\n", record.weak);
  if (!record.strong.empty()) fmt::print("  strong {}\n", record.strong);
  for (const auto& [test, measures] : record.tests)
    print_measures(("test set '" + test + "'").c_str(), measures);
  for (const auto& [test, why] : record.unscored) fmt::print("\ntest set '{}': no score, {}\n", test, why);
  print_measures("against the supervisor", record.supervision);
  for (const auto& [test, measures] : record.oracle)
    print_measures(("oracle early stopping, '" + test + "'").c_str(), measures);
  if (!record.fits.empty()) fmt::print("\nfits, the last one gave the numbers\n");
  for (const std::string& fit : record.fits) print_fit(store, fit);
  if (!record.floor.empty())
    fmt::print("  floor   {}\n  ceiling {}\n", record.floor.substr(0, 16), record.ceiling.substr(0, 16));
  fmt::print("\ncost {}\n", record.cost.dump());
  nlohmann::json provenance = record.provenance;
  const std::string experiment = provenance.value("experiment", "");
  provenance.erase("experiment");
  fmt::print("provenance {}\n", provenance.dump(2));
  if (config) fmt::print("\nresolved experiment\n\n{}", experiment);
}

}  // namespace

int show(const Command& command, const Args& args) {
  Options options(command, {"run"});
  StoreOption place;
  ShowOptions how;
  options.take(place);
  options.take(how);
  if (!options.parse(args)) return 0;
  const std::string wanted = options.argument("run");
  if (wanted.empty())
    throw UsageError("show needs RUN: the beginning of a key, as w2s plan EXPERIMENT.toml shows them");
  const Store store = Store::read_only(place.runs);
  std::vector<std::string> found;
  for (const ObjectInfo& object : store.list("record")) {
    if (object.key.rfind(wanted, 0) == 0) found.push_back(object.key);
  }
  if (found.empty()) {
    throw UsageError("there is no run '" + wanted + "' in '" + store.root() +
                     "'; w2s plan EXPERIMENT.toml shows the keys, their beginning is enough");
  }
  if (found.size() > 1) {
    throw UsageError("'" + wanted + "' is the beginning of " + std::to_string(found.size()) +
                     " runs; give more of it");
  }
  const nlohmann::json manifest = store.manifest(found[0]);
  if (how.json) {
    fmt::print("{}\n", manifest.at("record").dump(2));
  } else {
    print_record(store, manifest.at("record").get<Record>(), how.config);
  }
  return 0;
}

}  // namespace w2s::app
