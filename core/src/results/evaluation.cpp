#include "results/evaluation.hpp"

#include <utility>

#include "base/code_parts.hpp"
#include "base/files.hpp"
#include "store/answer_bits.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

/// Measures of the supervisor's labels of the transfer half, and what a student's record calls them.
constexpr std::pair<const char*, const char*> kOfWeakLabels[] = {{"accuracy", "weak_label_accuracy"},
                                                                 {"ece", "weak_label_ece"}};

Measures supervision_of(const Predictions& student, const Predictions& supervisor) {
  if (student.generation())
    return answer_supervision_measures(student.answers, supervisor.answers, student.labels);
  return supervision_measures(student.probabilities, supervisor.probabilities, student.labels,
                              student.classes);
}

std::map<std::string, Predictions> read_if_there(const std::string& path) {
  return exists(path) ? read_predictions(path) : std::map<std::string, Predictions>();
}

std::string correct_bytes(const Predictions& predictions) {
  const std::vector<std::uint8_t> right = correctness(predictions);
  return std::string(right.begin(), right.end());
}

}  // namespace

void measure(Record& record, const Evidence& evidence) {
  record.tests.clear();
  for (const auto& [test, found] : evidence.tests) record.tests[test] = prediction_measures(found);
  record.oracle.clear();
  for (const auto& [test, found] : evidence.oracle) record.oracle[test] = prediction_measures(found);
  record.supervision.clear();
  const auto student = evidence.tests.find("test"), supervisor = evidence.supervisor.find("test");
  if (student != evidence.tests.end() && supervisor != evidence.supervisor.end())
    record.supervision = supervision_of(student->second, supervisor->second);
  if (evidence.weak_labels) {
    const Measures labels = prediction_measures(*evidence.weak_labels);
    for (const auto& [measure, name] : kOfWeakLabels)
      if (const auto found = labels.find(measure); found != labels.end())
        record.supervision[name] = found->second;
  }
  record.measured_by = code_part("measures");
}

Evidence stored_evidence(const Store& store, const Record& record) {
  Evidence evidence;
  const std::string folder = store.path(record.key);
  evidence.tests = read_if_there(folder + "/" + kPredictionsFile);
  evidence.oracle = read_if_there(folder + "/" + kOraclePredictionsFile);
  if (record.floor.empty() || !store.has(record.floor)) return evidence;
  const std::string floor = store.path(record.floor);
  evidence.supervisor = read_if_there(floor + "/" + kPredictionsFile);
  const auto weak_labels = read_if_there(floor + "/" + kWeakLabelsFile);
  if (!weak_labels.empty()) evidence.weak_labels = weak_labels.begin()->second;
  return evidence;
}

bool measured_by_other_code(const Record& record) { return record.measured_by != code_part("measures"); }

bool measure_anew(Record& record, const Store& store) {
  if (!measured_by_other_code(record) || !store.has(record.key)) return false;
  const Evidence evidence = stored_evidence(store, record);
  if (evidence.tests.empty()) return false;
  const Record before = record;
  measure(record, evidence);
  // Stores of the first format keep neither of these.
  if (evidence.oracle.empty()) record.oracle = before.oracle;
  if (evidence.supervisor.empty()) {
    record.supervision = before.supervision;
  } else if (!evidence.weak_labels) {
    for (const auto& [measure, name] : kOfWeakLabels)
      if (const auto old = before.supervision.find(name); old != before.supervision.end())
        record.supervision[name] = old->second;
  }
  std::map<std::string, std::string> correct;
  for (const auto& [test, found] : evidence.tests) correct[test] = correct_bytes(found);
  record.answers = answer_bits(correct);
  return true;
}

std::int64_t measure_store_anew(Store& store) {
  std::int64_t count = 0;
  for (const ObjectInfo& info : store.list("record")) {
    Record record = store.manifest(info.key).at("record").get<Record>();
    if (!measure_anew(record, store)) continue;
    store.replace(info.key, [&](ObjectWriter& object) {
      object.manifest()["record"] = record;
      for (const auto& [test, found] : read_predictions(object.folder() + "/" + kPredictionsFile))
        write_file_atomically(object.folder() + "/" + correctness_file(test), correct_bytes(found));
    });
    ++count;
  }
  return count;
}

}  // namespace w2s
