#include "results/record.hpp"

#include <cmath>
#include <string_view>
#include <utility>

#include <simdjson.h>
#include <w2s/error.hpp>

namespace w2s {
namespace {

nlohmann::json finite_only(const Measures& measures) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : measures)
    if (std::isfinite(value)) json[name.text()] = value;
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

// ---- from text, by simdjson

using simdjson::dom::element;
using simdjson::dom::element_type;

// Of values whose type is known.
std::string text_of(const element& value) { return std::string(value.get_string().value_unsafe()); }
simdjson::dom::array list_of(const element& value) { return value.get_array().value_unsafe(); }
simdjson::dom::object object_of(const element& value) { return value.get_object().value_unsafe(); }

/// JSON of any form.
nlohmann::json json_of(const element& value) {
  switch (value.type()) {
    case element_type::ARRAY: {
      nlohmann::json list = nlohmann::json::array();
      for (const element& item : list_of(value)) list.push_back(json_of(item));
      return list;
    }
    case element_type::OBJECT: {
      nlohmann::json object = nlohmann::json::object();
      for (const auto& [name, item] : object_of(value)) object[std::string(name)] = json_of(item);
      return object;
    }
    case element_type::INT64:
      return value.get_int64().value_unsafe();
    case element_type::UINT64:
      return value.get_uint64().value_unsafe();
    case element_type::DOUBLE:
      return value.get_double().value_unsafe();
    case element_type::STRING:
      return text_of(value);
    case element_type::BOOL:
      return value.get_bool().value_unsafe();
    default:  // null; later versions of simdjson also know integers of more than 64 bits
      return nullptr;
  }
}

void read(const element& value, Measures& measures) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return;
  measures.reserve(object.size());
  for (const auto& [name, item] : object) {
    double number = 0;
    if (item.get(number) == simdjson::SUCCESS)
      measures.emplace_hint(measures.end(), MeasureName(name), number);
  }
}

void read(const element& value, std::map<std::string, Measures>& tests) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return;
  for (const auto& [name, item] : object) read(item, tests[std::string(name)]);
}

using TextField = std::pair<std::string_view, std::string Record::*>;
constexpr TextField kTexts[] = {{"key", &Record::key},
                                {"kind", &Record::kind},
                                {"experiment", &Record::experiment},
                                {"task", &Record::task},
                                {"protocol", &Record::protocol},
                                {"weak", &Record::weak},
                                {"strong", &Record::strong},
                                {"method", &Record::method},
                                {"floor", &Record::floor},
                                {"ceiling", &Record::ceiling},
                                {"measured_by", &Record::measured_by}};

void read_field(std::string_view name, const element& value, Record& record) {
  if (value.is_string()) {
    for (const auto& [text, field] : kTexts) {
      if (text == name) record.*field = text_of(value);
    }
  } else if (name == "seed") {
    if (value.get(record.seed) != simdjson::SUCCESS) throw Error("a record's seed is no whole number");
  } else if (name == "tests") {
    read(value, record.tests);
  } else if (name == "oracle") {
    read(value, record.oracle);
  } else if (name == "supervision") {
    read(value, record.supervision);
  } else if (name == "variant" && value.is_object()) {
    if (object_of(value).size() > 0) record.variant = json_of(value);
  } else if (name == "cost") {
    record.cost = json_of(value);
  } else if (name == "provenance") {
    record.provenance = json_of(value);
  } else if (name == "fits" && value.is_array()) {
    for (const element& fit : list_of(value))
      if (fit.is_string()) record.fits.push_back(text_of(fit));
  } else if (name == "unscored" && value.is_object()) {
    for (const auto& [test, why] : object_of(value))
      if (why.is_string()) record.unscored[std::string(test)] = text_of(why);
  }
}

}  // namespace

Record parse_record(std::string_view text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  Record record;
  if (parser.parse(text.data(), text.size()).get(object) == simdjson::SUCCESS)
    for (const auto& [name, value] : object) read_field(name, value, record);
  if (record.kind.empty())
    throw Error("a record of the index is damaged; w2s store reindex makes the index anew");
  return record;
}

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
  if (!record.measured_by.empty()) json["measured_by"] = record.measured_by;
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
  read(json, "measured_by", record.measured_by);
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
