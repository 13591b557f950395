#include "results/record_check.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/files.hpp"
#include "results/evaluation.hpp"
#include "results/ledger.hpp"
#include "results/predictions.hpp"
#include "store/payload.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

constexpr double kTolerance = 1e-6;

void check_fields(const nlohmann::json& manifest, const Record& record) {
  if (manifest.at("kind") != "record") throw Error("the object is no record");
  if (record.key != manifest.at("key").get<std::string>())
    throw Error("the record has another key than its object");
  if (record.kind != "floor" && record.kind != "ceiling" && record.kind != "student" &&
      record.kind != "pretrain")
    throw Error("'" + record.kind + "' is no kind of record");
  if (!record.provenance.is_object()) return;
  const std::string experiment = record.provenance.value("experiment", "");
  if (!experiment.empty()) parse_toml(experiment, "the record's experiment");
}

void check_measures(const std::string& test, const Measures& claimed, const Measures& computed) {
  for (const auto& [name, value] : computed) {
    const auto it = claimed.find(name);
    if (it != claimed.end() && !(std::abs(it->second - value) <= kTolerance * (1 + std::abs(value))))
      throw Error(fmt::format("it says that {} on '{}' is {}, its predictions give {}", name.text(), test,
                              it->second, value));
  }
}

}  // namespace

bool check_record(const nlohmann::json& manifest, const std::string& folder) {
  const Record record = manifest.at("record").get<Record>();
  check_fields(manifest, record);
  const std::string file = folder + "/" + kPredictionsFile;
  // Measures of other formulas than these are not shown: they are computed from the predictions.
  const bool comparable = record.measured_by.empty() || !measured_by_other_code(record);
  const auto predictions = exists(file) ? read_predictions(file) : std::map<std::string, Predictions>();
  for (const auto& [test, found] : predictions) {
    const auto claimed = record.tests.find(test);
    if (claimed == record.tests.end() || !comparable) continue;
    check_measures(test, claimed->second, prediction_measures(found));
    const auto right = correctness(found);
    const std::string kept = folder + "/" + correctness_file(test);
    if (exists(kept) && read_file(kept) != std::string(right.begin(), right.end()))
      throw Error(fmt::format("'{}' is not what its predictions give", correctness_file(test)));
  }
  return !predictions.empty();
}

}  // namespace w2s
