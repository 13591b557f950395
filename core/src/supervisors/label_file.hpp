// LabelFile: labels from outside by the ids of examples.
//
// Rows with a label that is no class, probabilities that are no distribution, or an id that came before are
// counted over all files and refused together, each kind with the place of its first. Rows without a
// label are as if they were not there.
#pragma once

#include <optional>
#include <unordered_map>

#include <w2s/supervision.hpp>

#include "config/supervisor.hpp"

namespace w2s {

class LabelFile {
 public:
  /// Reads all files. `class_names` [C] or empty, as the task has them. Throws UsageError.
  LabelFile(const FileSupervisor& params, std::int64_t classes, const std::vector<std::string>& class_names);

  std::int64_t size() const { return probabilities_.size(0); }
  /// Ids in the order of the rows.
  const std::vector<std::string>& ids() const { return ids_; }
  bool has(const std::string& id) const { return rows_.count(id) > 0; }
  /// Positions of the examples that have a label.
  std::vector<std::int64_t> labelled(const Examples& examples) const;
  /// Their labels, float32 [n, C]; all must have one.
  Tensor probabilities(const Examples& examples) const;

 private:
  std::vector<std::string> ids_;
  std::unordered_map<std::string, std::int64_t> rows_;
  Tensor probabilities_;  // float32 [R, C]
};

}  // namespace w2s
