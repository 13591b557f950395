#include "report/record.hpp"

#include <cmath>

namespace w2s {
namespace {

nlohmann::json finite_only(const Measures& measures) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : measures)
    if (std::isfinite(value)) json[name] = value;
  return json;
}

Measures read_measures(const nlohmann::json& json) {
  Measures measures;
  for (const auto& [name, value] : json.items())
    if (value.is_number()) measures[name] = value.get<double>();
  return measures;
}

nlohmann::json by_test(const std::map<std::string, Measures>& tests) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [test, measures] : tests) json[test] = finite_only(measures);
  return json;
}

std::map<std::string, Measures> read_by_test(const nlohmann::json& json) {
  std::map<std::string, Measures> tests;
  for (const auto& [test, measures] : json.items()) tests[test] = read_measures(measures);
  return tests;
}

template <class T>
void read(const nlohmann::json& json, const char* name, T& field) {
  if (auto it = json.find(name); it != json.end() && !it->is_null()) it->get_to(field);
}

}  // namespace

void to_json(nlohmann::json& json, const Record& record) {
  json = {{"key", record.key},
          {"kind", record.kind},
          {"experiment", record.experiment},
          {"task", record.task},
          {"protocol", record.protocol},
          {"variant", record.variant},
          {"seed", record.seed},
          {"tests", by_test(record.tests)},
          {"fits", record.fits},
          {"cost", record.cost},
          {"provenance", record.provenance}};
  if (!record.weak.empty()) json["weak"] = record.weak;
  if (!record.strong.empty()) json["strong"] = record.strong;
  if (!record.method.empty()) json["method"] = record.method;
  if (!record.floor.empty()) json["floor"] = record.floor;
  if (!record.ceiling.empty()) json["ceiling"] = record.ceiling;
  if (!record.unscored.empty()) json["unscored"] = record.unscored;
  if (!record.supervision.empty()) json["supervision"] = finite_only(record.supervision);
  if (!record.oracle.empty()) json["oracle"] = by_test(record.oracle);
}

void from_json(const nlohmann::json& json, Record& record) {
  record = Record();
  json.at("kind").get_to(record.kind);
  json.at("task").get_to(record.task);
  json.at("seed").get_to(record.seed);
  read(json, "key", record.key);
  read(json, "experiment", record.experiment);
  read(json, "protocol", record.protocol);
  read(json, "weak", record.weak);
  read(json, "strong", record.strong);
  read(json, "method", record.method);
  read(json, "floor", record.floor);
  read(json, "ceiling", record.ceiling);
  read(json, "fits", record.fits);
  read(json, "unscored", record.unscored);
  if (auto it = json.find("variant"); it != json.end() && it->is_object()) record.variant = *it;
  if (auto it = json.find("tests"); it != json.end()) record.tests = read_by_test(*it);
  if (auto it = json.find("supervision"); it != json.end()) record.supervision = read_measures(*it);
  if (auto it = json.find("oracle"); it != json.end()) record.oracle = read_by_test(*it);
  if (auto it = json.find("cost"); it != json.end()) record.cost = *it;
  if (auto it = json.find("provenance"); it != json.end()) record.provenance = *it;
}

}  // namespace w2s
