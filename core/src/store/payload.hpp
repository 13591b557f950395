// Names of the files in objects, each said once.
#pragma once

#include <string>

namespace w2s {

inline const std::string kWeightsFile = "model.safetensors";      // fit, tune, pretrain
inline const std::string kOracleFile = "oracle.safetensors";      // fit: the oracle's weights
inline const std::string kLogFile = "log.jsonl";                  // fit, tune, pretrain: a line a report
inline const std::string kFeaturesFile = "features.safetensors";  // features
inline const std::string kTensorsFile = "tensors.safetensors";    // tensors: what a strategy keeps
inline const std::string kScoresFile = "scores.safetensors";      // scores
inline const std::string kAnswersFile = "answers.json";  // answers; record: texts of a generation task
inline const std::string kPredictionsFile = "predictions.safetensors";               // record
inline const std::string kOraclePredictionsFile = "oracle_predictions.safetensors";  // record
inline const std::string kWeakLabelsFile = "weak_labels.safetensors";                // record of a floor

}  // namespace w2s
