#include "results/collection.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "base/files.hpp"
#include "results/ledger.hpp"

namespace w2s {

Collection::Collection(const std::vector<std::string>& roots) {
  std::set<std::string> seen;
  std::vector<std::string> stores;
  for (const std::string& root : roots) {
    std::error_code ignored;
    const std::string place = std::filesystem::weakly_canonical(root, ignored).string();
    if (seen.insert(place).second) stores.push_back(root);
  }
  for (const std::string& root : stores) add(Store::read_only(root), stores.size() > 1 ? root : "", false);
  for (const std::string& root : stores) {
    for (const std::string& name : list_directory(root + "/imports")) {
      if (name[0] != '.') add(Store::read_only(root + "/imports/" + name), name, true);
    }
  }
}

void Collection::add(Store store, const std::string& name, bool imported) {
  shelves_.push_back({std::move(store), name, imported});
}

std::vector<Record> Collection::records(const std::vector<std::string>& experiments,
                                        std::size_t* missing) const {
  if (missing != nullptr) *missing = 0;
  std::set<std::string> known;
  std::vector<std::vector<std::string>> names;
  for (const Shelf& shelf : shelves_) {
    names.push_back(ledger_names(shelf.store.root()));
    known.insert(names.back().begin(), names.back().end());
  }
  for (const std::string& name : experiments) {
    if (known.count(name) > 0) continue;
    std::string where;
    for (const Shelf& shelf : shelves_) {
      if (!shelf.imported) where += (where.empty() ? "'" : ", '") + shelf.store.root() + "'";
    }
    const std::vector<std::string> all(known.begin(), known.end());
    throw UsageError("there is no experiment '" + name + "' in " + where + did_you_mean(name, all) +
                     (all.empty() ? "; it holds none yet" : "; there are " + one_of_list(all)));
  }
  std::vector<Record> records;
  for (std::size_t k = 0; k < shelves_.size(); ++k) {
    std::vector<std::string> here;
    for (const std::string& name : experiments.empty() ? names[k] : experiments) {
      if (std::find(names[k].begin(), names[k].end(), name) != names[k].end()) here.push_back(name);
    }
    if (here.empty()) continue;
    std::size_t absent = 0;
    if (experiments.empty()) here.clear();  // all, which is read without asking for each
    std::vector<Record> more = load_records(shelves_[k].store, here, &absent);
    if (missing != nullptr && !shelves_[k].imported) *missing += absent;
    for (Record& record : more) {
      record.store = k;
      record.origin = shelves_[k].name;
      record.imported = shelves_[k].imported;
    }
    if (records.empty()) {
      records = std::move(more);
    } else {
      records.insert(records.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
    }
  }
  return records;
}

LoadProvenance Collection::provenance() const {
  return [this](const Record& record) { return full_provenance(store(record), record); };
}

std::vector<Collection::Import> Collection::imports() const {
  std::vector<Import> found;
  for (const Shelf& shelf : shelves_) {
    if (!shelf.imported) continue;
    const std::string file = shelf.store.root() + "/origin.json";
    nlohmann::json about = nlohmann::json::parse(exists(file) ? read_file(file) : "{}", nullptr, false);
    found.push_back({shelf.name, about.is_object() ? std::move(about) : nlohmann::json::object()});
  }
  return found;
}

}  // namespace w2s
