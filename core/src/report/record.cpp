#include "report/record.hpp"

#include <cmath>
#include <string_view>
#include <utility>

#include <w2s/error.hpp>

#include "report/json_events.hpp"

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

class RecordEvents : public JsonEvents {
 public:
  Record record;

 private:
  using Field = std::pair<std::string_view, std::string Record::*>;
  static constexpr Field kTexts[] = {
      {"key", &Record::key},        {"kind", &Record::kind},         {"experiment", &Record::experiment},
      {"task", &Record::task},      {"protocol", &Record::protocol}, {"weak", &Record::weak},
      {"strong", &Record::strong},  {"method", &Record::method},     {"floor", &Record::floor},
      {"ceiling", &Record::ceiling}};

  void on_text(std::string& value) override {
    if (depth() == 1) {
      for (const auto& [name, field] : kTexts) {
        if (at(0) == name) record.*field = value;
      }
    } else if (depth() == 2 && at(0) == "fits") {
      record.fits.push_back(value);
    } else if (depth() == 2 && at(0) == "unscored") {
      record.unscored[at(1)] = value;
    }
  }
  void on_integer(std::int64_t value) override {
    if (depth() == 1 && at(0) == "seed")
      record.seed = value;
    else
      on_number(static_cast<double>(value));
  }
  void on_number(double value) override {
    if (depth() == 2 && at(0) == "supervision") {
      record.supervision.emplace_hint(record.supervision.end(), at(1), value);
    } else if (depth() == 3 && (at(0) == "tests" || at(0) == "oracle")) {
      Measures& measures = (at(0) == "tests" ? record.tests : record.oracle)[at(1)];
      measures.emplace_hint(measures.end(), at(2), value);
    }
  }
  void on_start() override {
    if (depth() == 3 && at(0) == "tests") record.tests[at(1)];
    if (depth() == 3 && at(0) == "oracle") record.oracle[at(1)];
  }
  bool wants_value() const override {
    return depth() == 1 && (at(0) == "variant" || at(0) == "cost" || at(0) == "provenance");
  }
  void on_value(json&& value) override {
    (at(0) == "variant" ? record.variant
     : at(0) == "cost"  ? record.cost
                        : record.provenance) = std::move(value);
  }
};

}  // namespace

Record record_from_cbor(const std::string& bytes) {
  RecordEvents events;
  if (!nlohmann::json::sax_parse(bytes, &events, nlohmann::json::input_format_t::cbor) ||
      events.record.kind.empty()) {
    throw Error("a record of the index is damaged; w2s store reindex makes the index anew");
  }
  return std::move(events.record);
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
