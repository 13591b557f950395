// Predictions that a record keeps: predictions.safetensors, read without LibTorch.
//
// Only what records hold is understood: "T.probabilities" float32 [N, C] and
// "T.labels" int64 [N] of every test set T.
#pragma once

#include <map>
#include <string>

#include "report/measures.hpp"

namespace w2s {

struct Predictions {
  Probabilities probabilities;  // [N, C]
  Labels labels;                // [N]
  std::int64_t classes = 0;

  std::size_t size() const { return labels.size(); }
  /// The first of the largest, and its probability.
  std::int64_t label(std::size_t example) const;
  float confidence(std::size_t example) const;
};

/// By test set. Throws Error "<path>: …" where the file is not such a file.
std::map<std::string, Predictions> read_predictions(const std::string& path);

}  // namespace w2s
