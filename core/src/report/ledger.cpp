#include "report/ledger.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <simdjson.h>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "report/key_hash.hpp"
#include "store/objects.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& store) { return store + "/experiments"; }

std::string file_of(const std::string& store, const std::string& experiment, const std::string& ending) {
  if (experiment.empty() || experiment[0] == '.' || experiment.find('/') != std::string::npos) {
    throw UsageError("the experiment's name '" + experiment + "' cannot be a file name");
  }
  return folder_of(store) + "/" + experiment + ending;
}

using TextField = std::pair<std::string_view, std::string LedgerEntry::*>;
constexpr TextField kTexts[] = {{"key", &LedgerEntry::key},       {"kind", &LedgerEntry::kind},
                                {"task", &LedgerEntry::task},     {"weak", &LedgerEntry::weak},
                                {"strong", &LedgerEntry::strong}, {"method", &LedgerEntry::method},
                                {"floor", &LedgerEntry::floor},   {"ceiling", &LedgerEntry::ceiling}};

/// False where the entry names no record.
bool read_entry(const simdjson::dom::element& item, LedgerEntry& entry) {
  simdjson::dom::object object;
  if (item.get(object) != simdjson::SUCCESS) return false;
  for (const auto& [name, value] : object) {
    if (value.is_string()) {
      for (const auto& [text, field] : kTexts) {
        if (text == name) entry.*field = std::string(value.get_string().value_unsafe());
      }
    } else if (name == "seed") {
      if (value.get(entry.seed) != simdjson::SUCCESS) return false;
    } else if (simdjson::dom::object point; name == "variant" && value.get(point) == simdjson::SUCCESS) {
      if (point.size() > 0) entry.variant = nlohmann::json::parse(simdjson::minify(point));
    }
  }
  return is_key(entry.key) && !entry.kind.empty();
}

/// False where the text is no ledger.
bool read_entries(const std::string& text, std::vector<LedgerEntry>& entries) {
  simdjson::dom::parser parser;
  simdjson::dom::array records;
  if (parser.parse(text)["records"].get(records) != simdjson::SUCCESS) return false;
  entries.reserve(records.size());
  return std::all_of(records.begin(), records.end(), [&](const simdjson::dom::element& item) {
    return read_entry(item, entries.emplace_back());
  });
}

}  // namespace

void save_ledger(const std::string& store, const std::string& experiment,
                 const std::vector<LedgerEntry>& entries, const std::vector<std::string>& resolved) {
  nlohmann::json list = nlohmann::json::array();
  for (const LedgerEntry& entry : entries) {
    list.push_back({{"key", entry.key},
                    {"kind", entry.kind},
                    {"task", entry.task},
                    {"weak", entry.weak},
                    {"strong", entry.strong},
                    {"method", entry.method},
                    {"seed", entry.seed},
                    {"floor", entry.floor},
                    {"ceiling", entry.ceiling},
                    {"variant", entry.variant}});
  }
  const std::string file = file_of(store, experiment, ".json");
  make_directories(folder_of(store));
  for (std::size_t i = 0; i < resolved.size(); ++i) {
    const std::string number = resolved.size() > 1 ? "." + std::to_string(i + 1) : "";
    write_file_atomically(file_of(store, experiment, number + ".toml"), resolved[i]);
  }
  write_file_atomically(file, nlohmann::json{{"name", experiment}, {"records", list}}.dump() + "\n");
}

std::vector<LedgerEntry> load_ledger(const std::string& store, const std::string& experiment) {
  const std::string file = file_of(store, experiment, ".json");
  if (!fs::exists(file)) {
    const std::vector<std::string> names = ledger_names(store);
    throw UsageError("there is no experiment '" + experiment + "' in '" + store + "'" +
                     did_you_mean(experiment, names) +
                     (names.empty() ? "; it holds none yet" : "; there are " + one_of_list(names)));
  }
  std::vector<LedgerEntry> entries;
  if (!read_entries(read_file(file), entries))
    throw Error(file + " is damaged; run the experiment again to write it anew");
  return entries;
}

std::vector<std::string> ledger_names(const std::string& store) {
  std::vector<std::string> names;
  if (!fs::is_directory(folder_of(store))) return names;
  for (const auto& item : fs::directory_iterator(folder_of(store))) {
    if (item.path().extension() == ".json") names.push_back(item.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Record> load_records(const Store& store, const std::vector<std::string>& experiments,
                                 std::size_t* missing) {
  const std::vector<std::string> names = experiments.empty() ? ledger_names(store.root()) : experiments;
  std::vector<std::vector<LedgerEntry>> ledgers(names.size());
  parallel_for(names.size(), 1, [&](std::size_t i) { ledgers[i] = load_ledger(store.root(), names[i]); });

  struct Use {
    std::size_t left = 0;
    std::optional<Record> record;
  };
  std::unordered_map<std::string_view, Use, KeyHash> uses;
  std::size_t entries = 0;
  for (const auto& ledger : ledgers) entries += ledger.size();
  uses.reserve(entries);
  for (const auto& ledger : ledgers)
    for (const LedgerEntry& entry : ledger) ++uses[entry.key].left;

  std::vector<StoredRecord> stored =
      store.records([&](const std::string& key) { return uses.count(key) > 0; });
  parallel_for(stored.size(), 500, [&](std::size_t i) {
    Record record = parse_record(stored[i].json);
    record.answers = std::move(stored[i].answers);
    stored[i].json = std::string();
    uses.find(stored[i].key)->second.record = std::move(record);
  });

  std::vector<Record> records;
  records.reserve(entries);
  if (missing != nullptr) *missing = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (LedgerEntry& entry : ledgers[i]) {
      Use& use = uses.find(entry.key)->second;
      if (!use.record) {
        if (missing != nullptr) ++*missing;
        continue;
      }
      Record& record = records.emplace_back(--use.left == 0 ? std::move(*use.record) : *use.record);
      record.experiment = names[i];
      record.task = std::move(entry.task);
      record.weak = std::move(entry.weak);
      record.strong = std::move(entry.strong);
      record.method = std::move(entry.method);
      record.floor = std::move(entry.floor);
      record.ceiling = std::move(entry.ceiling);
      record.variant = std::move(entry.variant);
    }
  }
  return records;
}

std::vector<std::uint8_t> stored_correctness(const Record& record, const std::string& test) {
  return correct_answers(record.answers, test);
}

nlohmann::json full_provenance(const Store& store, const Record& record) {
  if (!store.has(record.key)) return record.provenance;
  return store.manifest(record.key).at("record").value("provenance", nlohmann::json::object());
}

LoadProvenance provenance_loader(const Store& store) {
  return [&store](const Record& record) { return full_provenance(store, record); };
}

}  // namespace w2s
