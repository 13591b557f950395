// Predictions that a record keeps: predictions.safetensors, read without LibTorch.
//
// Only what records hold is understood: "T.probabilities" float32 [N, C] and
// "T.labels" int64 [N] of every test set T; generation tasks have "T.answers" int64 [N] and "T.certainty"
// float32 [N] in the place of probabilities, and answers.json for the texts that the ids stand for.
#pragma once

#include <map>
#include <string>

#include "results/measures.hpp"

namespace w2s {

struct Predictions {
  Probabilities probabilities;   // [N, C]; generation: none
  Labels labels;                 // [N]; generation: ids of the reference answers
  std::int64_t classes = 0;      // generation: 0
  Labels answers;                // generation: [N] ids
  std::vector<float> certainty;  // generation: [N]

  std::size_t size() const { return labels.size(); }
  bool generation() const { return classes == 0; }
  /// The first of the largest, and its probability; generation: the answer and its certainty.
  std::int64_t label(std::size_t example) const;
  float confidence(std::size_t example) const;
};

/// What a record says of them.
Measures prediction_measures(const Predictions& predictions);
std::vector<std::uint8_t> correctness(const Predictions& predictions);

/// By test set. Throws Error "<path>: …" where the file is not such a file.
std::map<std::string, Predictions> read_predictions(const std::string& path);

}  // namespace w2s
