// VersionNotes: what a reader is told where records of the same names may not be averaged.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "report/leaderboard/runs.hpp"
#include "results/record_loaders.hpp"

namespace w2s {

/// Safe from several threads.
class VersionNotes {
 public:
  /// Keeps a reference. Without a loader, what the records themselves hold has to do.
  explicit VersionNotes(const LoadProvenance& load) : load_(load) {}

  /// ": LibTorch 2.1, not 1.13" of the first record's first; "" where nothing differs that is kept. `parts`
  /// of the resolved experiments as differences() takes them.
  std::string what_differs(const Record& record, const Record& other,
                           const std::vector<std::string>& parts) const;

  /// "the task appears under several protocols: …". Of each protocol always the same record: what is said
  /// first of two protocols is kept.
  std::string several_protocols(const Record& record, const Record& other) const;

 private:
  nlohmann::json provenance_of(const Record& record) const;

  const LoadProvenance& load_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, std::string>, std::string> of_protocols_;  // guarded
};

}  // namespace w2s
