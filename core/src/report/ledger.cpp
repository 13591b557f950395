#include "report/ledger.hpp"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "base/files.hpp"

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
  write_file_atomically(file, nlohmann::json{{"name", experiment}, {"records", list}}.dump(1) + "\n");
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
  try {
    const nlohmann::json ledger = nlohmann::json::parse(read_file(file));
    for (const nlohmann::json& item : ledger.at("records")) {
      LedgerEntry entry;
      entry.key = item.at("key");
      entry.kind = item.at("kind");
      entry.task = item.at("task");
      entry.weak = item.at("weak");
      entry.strong = item.at("strong");
      entry.method = item.at("method");
      entry.seed = item.at("seed");
      entry.floor = item.at("floor");
      entry.ceiling = item.at("ceiling");
      entry.variant = item.at("variant");
      entries.push_back(std::move(entry));
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(file + " is damaged; run the experiment again to write it anew");
  }
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
  std::unordered_map<std::string, Record> known;
  for (const nlohmann::json& manifest : store.records()) {
    Record record = manifest.at("record").get<Record>();
    known.emplace(record.key, std::move(record));
  }
  std::vector<Record> records;
  if (missing != nullptr) *missing = 0;
  for (const std::string& name : experiments.empty() ? ledger_names(store.root()) : experiments) {
    for (const LedgerEntry& entry : load_ledger(store.root(), name)) {
      const auto found = known.find(entry.key);
      if (found == known.end()) {
        if (missing != nullptr) ++*missing;
        continue;
      }
      Record record = found->second;
      record.experiment = name;
      record.task = entry.task;
      record.weak = entry.weak;
      record.strong = entry.strong;
      record.method = entry.method;
      record.floor = entry.floor;
      record.ceiling = entry.ceiling;
      record.variant = entry.variant;
      records.push_back(std::move(record));
    }
  }
  return records;
}

std::string correctness_file(const std::string& test) { return test + ".correct"; }

LoadCorrectness correctness_loader(const Store& store) {
  return [&store](const Record& record, const std::string& test) {
    const std::string file = store.path(record.key) + "/" + correctness_file(test);
    std::vector<std::uint8_t> correct;
    if (!fs::exists(file)) return correct;
    const std::string bytes = read_file(file);
    correct.assign(bytes.begin(), bytes.end());
    return correct;
  };
}

}  // namespace w2s
