#include "report/leaderboard/sweep_keys.hpp"

#include <map>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "report/leaderboard/known_names.hpp"

namespace w2s {
namespace {

const std::string kMethods = "methods.";

/// Some student has the value.
void require_met(const Condition& condition, const Students& students) {
  std::set<std::string> values;
  for (const Record* record : students) {
    if (condition.holds(*record)) return;
    if (const auto it = record->variant.find(condition.key); it != record->variant.end())
      values.insert(sweep_value_text(*it));
  }
  require_known({values.begin(), values.end()}, condition.value, "value of " + condition.key);
}

}  // namespace

SweepKeys::SweepKeys(const Students& students) {
  for (const Record* record : students)
    for (const auto& [key, value] : record->variant.items()) keys_.insert(key);
}

std::vector<std::string> SweepKeys::ending_in(const std::string& name) const {
  if (keys_.count(name) > 0) return {name};
  std::vector<std::string> found;
  for (const std::string& key : keys_)
    if (key.ends_with("." + name)) found.push_back(key);
  return found;
}

nlohmann::json own_variant(const Record& record) {
  nlohmann::json own = nlohmann::json::object();
  const std::string table = kMethods + record.method + ".";
  for (const auto& [key, value] : record.variant.items())
    if (!key.starts_with(kMethods) || key.starts_with(table)) own[key] = value;
  return own;
}

nlohmann::json method_variant(const nlohmann::json& variant) {
  nlohmann::json part = nlohmann::json::object();
  for (const auto& [key, value] : variant.items())
    if (key.starts_with(kMethods)) part[key] = value;
  return part;
}

nlohmann::json block_variant(const nlohmann::json& variant) {
  nlohmann::json part = nlohmann::json::object();
  for (const auto& [key, value] : variant.items())
    if (!key.starts_with(kMethods)) part[key] = value;
  return part;
}

std::string method_name(const std::string& method, const nlohmann::json& variant) {
  const nlohmann::json own = method_variant(variant);
  const auto end_of = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  std::map<std::string, int> times;
  for (const auto& [key, value] : own.items()) ++times[end_of(key)];
  std::string point;
  for (const auto& [key, value] : own.items()) {
    const std::string end = end_of(key);
    const std::string name = times[end] > 1 ? key.substr(kMethods.size() + method.size() + 1) : end;
    point += fmt::format("{}{} = {}", point.empty() ? "" : ", ", name, sweep_value_text(value));
  }
  return point.empty() ? method : fmt::format("{} ({})", method, point);
}

std::string sweep_value_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool Condition::holds(const Record& record) const {
  const auto it = record.variant.find(key);
  if (it == record.variant.end()) return false;
  if (sweep_value_text(*it) == value) return true;
  const auto number = nlohmann::json::parse(value, nullptr, false);
  return number.is_number() && it->is_number() && number.get<double>() == it->get<double>();
}

std::vector<Condition> read_conditions(const std::vector<std::string>& texts, const SweepKeys& keys,
                                       const Students& students) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(fmt::format("'{}' is no condition: expected KEY=VALUE", text));
    const std::string name = text.substr(0, equals);
    const auto found = keys.ending_in(name);
    if (found.size() > 1)
      throw UsageError(fmt::format("'{}' is the end of several keys: {}", name, one_of_list(found)));
    if (found.empty()) require_known({keys.all().begin(), keys.all().end()}, name, "key of a sweep");
    conditions.push_back({found[0], text.substr(equals + 1)});
    require_met(conditions.back(), students);
  }
  return conditions;
}

}  // namespace w2s
