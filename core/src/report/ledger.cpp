#include "report/ledger.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unordered_map>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "report/json_events.hpp"
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

class LedgerEvents : public JsonEvents {
 public:
  std::vector<LedgerEntry> entries;
  bool damaged = false;

 private:
  using Field = std::pair<std::string_view, std::string LedgerEntry::*>;
  static constexpr Field kTexts[] = {{"key", &LedgerEntry::key},       {"kind", &LedgerEntry::kind},
                                     {"task", &LedgerEntry::task},     {"weak", &LedgerEntry::weak},
                                     {"strong", &LedgerEntry::strong}, {"method", &LedgerEntry::method},
                                     {"floor", &LedgerEntry::floor},   {"ceiling", &LedgerEntry::ceiling}};

  bool in_entry() const { return depth() == 3 && at(0) == "records"; }
  void on_start() override {
    if (in_entry()) entries.emplace_back();
  }
  void on_end() override {
    if (depth() == 2 && at(0) == "records" && (!is_key(entries.back().key) || entries.back().kind.empty()))
      damaged = true;
  }
  void on_text(std::string& value) override {
    if (!in_entry()) return;
    for (const auto& [name, field] : kTexts) {
      if (at(2) == name) entries.back().*field = value;
    }
  }
  void on_integer(std::int64_t value) override {
    if (in_entry() && at(2) == "seed") entries.back().seed = value;
  }
  bool wants_value() const override { return in_entry() && at(2) == "variant"; }
  void on_value(json&& value) override { entries.back().variant = std::move(value); }
};

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
  LedgerEvents events;
  if (!nlohmann::json::sax_parse(read_file(file), &events) || events.damaged)
    throw Error(file + " is damaged; run the experiment again to write it anew");
  return std::move(events.entries);
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
  std::vector<std::pair<std::string, std::vector<LedgerEntry>>> ledgers;
  std::unordered_map<std::string, std::size_t> uses;
  for (const std::string& name : experiments.empty() ? ledger_names(store.root()) : experiments) {
    ledgers.emplace_back(name, load_ledger(store.root(), name));
    for (const LedgerEntry& entry : ledgers.back().second) ++uses[entry.key];
  }
  std::unordered_map<std::string, Record> known;
  known.reserve(uses.size());
  std::vector<StoredRecord> stored =
      store.records([&](const std::string& key) { return uses.count(key) > 0; });
  std::vector<Record> read(stored.size());
  parallel_for(stored.size(), 500, [&](std::size_t i) { read[i] = record_from_cbor(stored[i].cbor); });
  for (std::size_t i = 0; i < stored.size(); ++i) known.emplace(std::move(stored[i].key), std::move(read[i]));
  std::vector<Record> records;
  records.reserve(known.size());
  if (missing != nullptr) *missing = 0;
  for (auto& [name, entries] : ledgers) {
    for (LedgerEntry& entry : entries) {
      const auto found = known.find(entry.key);
      if (found == known.end()) {
        if (missing != nullptr) ++*missing;
        continue;
      }
      const bool last_use = --uses[entry.key] == 0;
      Record& record = records.emplace_back(last_use ? std::move(found->second) : found->second);
      record.experiment = name;
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

std::string correctness_file(const std::string& test) { return test + ".correct"; }

std::vector<std::uint8_t> read_correctness(const Store& store, const std::string& key,
                                           const std::string& test) {
  const std::string file = object_folder(store.root(), key) + "/" + correctness_file(test);
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.valid() && errno == ENOENT) return {};
  struct stat status {};
  if (!opened.valid() || ::fstat(opened.get(), &status) != 0) throw_system_error("read", file, errno);
  std::vector<std::uint8_t> correct(static_cast<std::size_t>(status.st_size));
  const ssize_t got = ::read(opened.get(), correct.data(), correct.size());
  if (got != static_cast<ssize_t>(correct.size())) throw_system_error("read", file, got < 0 ? errno : EIO);
  return correct;
}

LoadCorrectness correctness_loader(const Store& store) {
  return [&store](const Record& record, const std::string& test) {
    return read_correctness(store, record.key, test);
  };
}

nlohmann::json full_provenance(const Store& store, const Record& record) {
  if (!store.has(record.key)) return record.provenance;
  return store.manifest(record.key).at("record").value("provenance", nlohmann::json::object());
}

LoadProvenance provenance_loader(const Store& store) {
  return [&store](const Record& record) { return full_provenance(store, record); };
}

}  // namespace w2s
