// Record: what one job found, as the store keeps it and the report reads it.
//
// A record is an object of kind "record": its manifest's "record" field is the
// JSON below, and predictions.safetensors holds, for every test set T,
// "T.probabilities" float32 [N, C] and "T.labels" int64 [N]. A generation task has "T.answers" and
// "T.labels", int64 [N] ids that are equal where the trimmed texts are, "T.certainty" float32 [N], and the
// texts in answers.json: {T: {"answers": [N], "references": [N]}}. Free of LibTorch.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/flat_map.hpp>
#include <nlohmann/json.hpp>

#include "results/measure_name.hpp"

namespace w2s {

/// Measures on one test set; names as in docs/measures.md ("accuracy", "auroc", …). Undefined ones are
/// absent.
using Measures = boost::container::flat_map<MeasureName, double>;

struct Record {
  std::string key;         // of the object
  std::string kind;        // "floor", "ceiling" or "student"
  std::string experiment;  // name of the experiment that first computed it
  std::string task;        // what the leaderboard shows
  std::string protocol;    // digest of task parameters, data, split and test sets: records of different
                           // protocol are never averaged
  nlohmann::json variant = nlohmann::json::object();  // point of a sweep
  std::string weak, strong;  // names in [models]; a floor has only weak, a ceiling only strong
  std::string method;        // students only
  std::int64_t seed = 0;
  std::string floor, ceiling;                   // students: keys of the baselines' records
  std::map<std::string, Measures> tests;        // by test set; "test" is the main one
  std::map<std::string, std::string> unscored;  // test sets that a floor from outside does not label, and why
  Measures supervision;  // students: agreement with the supervisor, weak-label accuracy, misfit, …
                         // (docs/measures.md)
  std::map<std::string, Measures>
      oracle;  // tests of the checkpoint that ground-truth validation would choose; reported apart
  std::string measured_by;  // digest of the code that gave tests, supervision and oracle (evaluation.hpp); ""
                            // where that was not kept
  std::vector<std::string> fits;  // store keys used, last one the final student
  nlohmann::json cost;            // fits, seconds, peak_bytes
  nlohmann::json provenance;      // experiment (resolved TOML), commit, versions, device, plugin digests

  // Where it was read from; no part of the JSON.
  std::size_t store = 0;  // of a Collection
  std::string origin;     // name of the import, or of the store where several are read; "" = the only one
  bool imported = false;
  /// Which test examples are right (answer_bits.hpp), where the record was read from an index.
  std::string answers;
};

void to_json(nlohmann::json& json, const Record& record);
void from_json(const nlohmann::json& json, Record& record);

/// from_json(json::parse(text)) at ten times the speed, for what is read by the hundred thousand. Throws
/// Error where the text is no record's.
Record parse_record(std::string_view text);

}  // namespace w2s
