// Ledger: which records an experiment's leaderboard shows, under which names.
//
// Records are shared between experiments; names (of task, models and method) are
// not, so each experiment keeps its own list: <store>/experiments/NAME.json.
// Beside it lies the resolved experiment, NAME.toml (one per point of a sweep).
// Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "results/record.hpp"
#include "results/record_loaders.hpp"
#include "store/answer_bits.hpp"
#include "store/store.hpp"

namespace w2s {

struct LedgerEntry {
  std::string key, kind, task, weak, strong, method, floor, ceiling;
  std::int64_t seed = 0;
  nlohmann::json variant = nlohmann::json::object();
};

/// Replaces the experiment's list and its resolved text. Throws UsageError for a name that cannot be a
/// file's.
void save_ledger(const std::string& store, const std::string& experiment,
                 const std::vector<LedgerEntry>& entries, const std::vector<std::string>& resolved);
/// Throws UsageError naming the experiments that exist.
std::vector<LedgerEntry> load_ledger(const std::string& store, const std::string& experiment);
std::vector<std::string> ledger_names(const std::string& store);

/// The records that are there, of these experiments (all where empty), under the names of the ledger, newest
/// last within an experiment. `missing` counts listed records that the store does not hold. Without the
/// parts that the index leaves out: full_provenance has them.
std::vector<Record> load_records(const Store& store, const std::vector<std::string>& experiments,
                                 std::size_t* missing = nullptr);

/// 0/1 correctness of the predictions of a record that load_records gave, in the set's order; empty where
/// not kept. Opens no file.
std::vector<std::uint8_t> stored_correctness(const Record& record, const std::string& test);
/// With the resolved experiment and the plugins' digests.
nlohmann::json full_provenance(const Store& store, const Record& record);
LoadProvenance provenance_loader(const Store& store);

}  // namespace w2s
