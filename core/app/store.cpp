// w2s store: reindex, remeasure, gc, du, verify.
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commands.hpp"
#include "results/evaluation.hpp"
#include "results/ledger.hpp"
#include "store/store.hpp"

namespace w2s::app {
namespace {

const std::vector<std::string> kActions = {"reindex", "remeasure", "gc", "du", "verify"};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

// What gc leaves.
enum class Keep { used, records };
constexpr auto enum_names(Keep) { return std::array{"used", "records"}; }

struct StoreOptions {
  Keep keep = Keep::used;
  bool dry_run = false;
};
void describe(OptionSchema<StoreOptions>& s) {
  s.option(
      "keep", &StoreOptions::keep, "WHAT",
      "gc: 'used' keeps the records that experiments list and their fits, 'records' keeps all records and "
      "nothing else");
  s.option("dry-run,n", &StoreOptions::dry_run, "", "gc: only say what would go");
}

std::string size_text(std::int64_t bytes) {
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024.0);
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576.0);
}

int disk_use(const Store& store) {
  std::map<std::string, std::pair<std::size_t, std::int64_t>> kinds;
  std::int64_t total = 0;
  for (const ObjectInfo& object : store.list()) {
    kinds[object.kind].first += 1;
    kinds[object.kind].second += object.bytes;
    total += object.bytes;
  }
  for (const auto& [kind, use] : kinds)
    fmt::print("{:<12} {:>8}  {:>12}\n", kind, use.first, size_text(use.second));
  fmt::print("{:<12} {:>8}  {:>12}\n", "all", store.list().size(), size_text(total));
  return 0;
}

// Everything that the listed experiments show, with the fits behind it.
std::set<std::string> reachable(const Store& store) {
  std::set<std::string> keys;
  for (const Record& record : load_records(store, {})) {
    keys.insert(record.key);
    keys.insert(record.fits.begin(), record.fits.end());
  }
  return keys;
}

/// Records that no experiment lists any more: how many of each method (or floor, ceiling) of the experiments
/// that computed them.
std::map<std::string, std::map<std::string, int>> unlisted(const Store& store,
                                                           const std::set<std::string>& listed) {
  std::map<std::string, std::map<std::string, int>> found;
  for (const ObjectInfo& object : store.list("record")) {
    if (listed.count(object.key) != 0) continue;
    const Record record = store.manifest(object.key).at("record").get<Record>();
    ++found[record.experiment][record.method.empty() ? record.kind : record.method];
  }
  return found;
}

int collect(Store& store, Keep keep, bool dry_run) {
  const std::set<std::string> wanted = keep == Keep::used ? reachable(store) : std::set<std::string>{};
  const auto going = keep == Keep::used ? unlisted(store, wanted) : decltype(unlisted(store, wanted)){};
  std::size_t count = 0;
  const std::int64_t freed = store.gc(
      [&](const ObjectInfo& object) {
        if (keep == Keep::records) return object.kind == "record";
        if (object.kind == "checkpoint") return true;  // an unfinished fit goes on from it
        return wanted.count(object.key) != 0;
      },
      dry_run, [&](const ObjectInfo&) { ++count; });
  fmt::print("{} {} objects, {}\n", dry_run ? "would remove" : "removed", count, size_text(freed));
  for (const auto& [experiment, methods] : going) {
    std::vector<std::string> counts;
    for (const auto& [method, times] : methods) counts.push_back(fmt::format("{} {}", method, times));
    fmt::print("  records of {}: {}\n", experiment, fmt::join(counts, ", "));
  }
  return 0;
}

// Looking after a store never makes one.
Store existing_store(const std::string& root) {
  Store::read_only(root);
  return Store(root);
}

}  // namespace

int store(const Command& command, const Args& args) {
  Options options(command, {"action"});
  StoreOption place;
  StoreOptions how;
  options.take(place);
  options.take(how);
  if (!options.parse(args)) return 0;
  const std::string action = options.argument("action");
  if (action == "du") return disk_use(Store::read_only(place.runs));
  if (action == "reindex") {
    Store store = existing_store(place.runs);
    std::vector<std::string> damaged;
    fmt::print("{} objects\n", store.reindex(&damaged));
    for (const std::string& key : damaged) fmt::print("damaged: {}\n", key);
    return damaged.empty() ? 0 : 1;
  }
  if (action == "remeasure") {
    Store store = existing_store(place.runs);
    fmt::print("{} records measured anew from their predictions\n", measure_store_anew(store));
    return 0;
  }
  if (action == "verify") {
    const Store store = Store::read_only(place.runs);
    int bad = 0;
    for (const ObjectInfo& object : store.list()) {
      try {
        store.verify(object.key);
      } catch (const Error& error) {
        fmt::print("{}\n", error.what());
        bad = 1;
      }
    }
    fmt::print("{} objects checked\n", store.list().size());
    return bad;
  }
  if (action == "gc") {
    Store store = existing_store(place.runs);
    return collect(store, how.keep, how.dry_run);
  }
  throw UsageError("store: unknown action '" + action + "'" + did_you_mean(action, kActions) +
                   "; there are " + joined(kActions));
}

}  // namespace w2s::app
