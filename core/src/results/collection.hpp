// Collection: one or several stores and all that was imported into them, read as one.
//
// Records keep where they come from: those of stores are shown together wherever
// names, protocol, code and versions are the same; those of an import never mix
// with others. Free of LibTorch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "results/record.hpp"
#include "results/record_loaders.hpp"
#include "store/store.hpp"

namespace w2s {

class Collection {
 public:
  /// Opens for reading only. Throws UsageError where one of the folders is no store.
  explicit Collection(const std::vector<std::string>& roots);

  /// The records that are there, of these experiments (all where empty), under the names of the ledgers.
  /// `missing` counts listed records that are not there. An experiment has to be in one of the stores.
  std::vector<Record> records(const std::vector<std::string>& experiments = {},
                              std::size_t* missing = nullptr) const;
  /// The store that a record was read from.
  const Store& store(const Record& record) const { return shelves_.at(record.store).store; }
  /// Holds a reference to this collection.
  LoadProvenance provenance() const;

  struct Import {
    std::string name;      // "alice"
    nlohmann::json about;  // origin.json of the import (archive.hpp)
  };
  std::vector<Import> imports() const;

 private:
  struct Shelf {
    Store store;
    std::string name;  // "" for the only store
    bool imported;
  };
  void add(Store store, const std::string& name, bool imported);

  std::vector<Shelf> shelves_;
};

}  // namespace w2s
