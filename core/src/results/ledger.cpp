#include "results/ledger.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>

#include <simdjson.h>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "results/evaluation.hpp"
#include "results/key_hash.hpp"
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

using EntryText = std::pair<std::string_view, std::string LedgerEntry::*>;
constexpr EntryText kEntryTexts[] = {{"key", &LedgerEntry::key},       {"kind", &LedgerEntry::kind},
                                     {"task", &LedgerEntry::task},     {"weak", &LedgerEntry::weak},
                                     {"strong", &LedgerEntry::strong}, {"method", &LedgerEntry::method},
                                     {"floor", &LedgerEntry::floor},   {"ceiling", &LedgerEntry::ceiling}};

/// False where the entry names no record.
bool read_entry(const simdjson::dom::element& item, LedgerEntry& entry) {
  simdjson::dom::object object;
  if (item.get(object) != simdjson::SUCCESS) return false;
  for (const auto& [name, value] : object) {
    if (value.is_string()) {
      for (const auto& [text, field] : kEntryTexts) {
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

/// Under the names of the experiment that lists it. Takes them out of the entry.
void name_record(Record& record, LedgerEntry& entry, const std::string& experiment) {
  record.experiment = experiment;
  record.task = std::move(entry.task);
  record.weak = std::move(entry.weak);
  record.strong = std::move(entry.strong);
  record.method = std::move(entry.method);
  record.floor = std::move(entry.floor);
  record.ceiling = std::move(entry.ceiling);
  record.variant = std::move(entry.variant);
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

  std::size_t entries = 0;
  for (const auto& ledger : ledgers) entries += ledger.size();
  struct Listed {
    std::size_t first;  // place of the first entry that names it
    LedgerEntry* entry;
    const std::string* experiment;
    bool found = false;
  };
  std::unordered_map<std::string_view, Listed, KeyHash> listed;
  listed.reserve(entries);
  std::vector<Listed*> places;  // by entry
  places.reserve(entries);
  for (std::size_t i = 0; i < names.size(); ++i)
    for (LedgerEntry& entry : ledgers[i])
      places.push_back(
          &listed.try_emplace(entry.key, Listed{places.size(), &entry, &names[i]}).first->second);

  const auto is_listed = [&](const std::string& key) { return listed.count(key) > 0; };
  // Where every experiment is asked for nearly all records are listed: the few others are told apart below.
  std::vector<StoredRecord> stored = experiments.empty() ? store.records() : store.records(is_listed);
  std::vector<Record> records(entries);
  parallel_for(stored.size(), 500, [&](std::size_t i) {
    const auto known = listed.find(stored[i].key);
    if (known == listed.end()) return;
    Listed& one = known->second;
    Record& record = records[one.first];
    record = parse_record(stored[i].json);
    record.answers = std::move(stored[i].answers);
    measure_anew(record, store);
    name_record(record, *one.entry, *one.experiment);
    one.found = true;
    stored[i].json = std::string();
  });

  std::size_t place = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (LedgerEntry& entry : ledgers[i]) {
      if (const Listed& one = *places[place]; one.found && one.first != place) {
        records[place] = records[one.first];
        name_record(records[place], entry, names[i]);
      }
      ++place;
    }
  }
  std::size_t kept = 0;
  for (place = 0; place < entries; ++place) {
    if (!places[place]->found) continue;
    if (kept != place) records[kept] = std::move(records[place]);
    ++kept;
  }
  records.resize(kept);
  if (missing != nullptr) *missing = entries - kept;
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
