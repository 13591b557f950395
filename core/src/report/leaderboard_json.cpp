#include "report/leaderboard_json.hpp"

#include <cmath>

namespace w2s {
namespace {

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json pair_of(double lo, double hi) { return nlohmann::json::array({number(lo), number(hi)}); }

nlohmann::json mean_and_se(const Estimate& e) {
  if (std::isnan(e.value)) return nullptr;
  return {{"mean", e.value}, {"se", number(e.se)}, {"seeds", e.seeds}};
}

nlohmann::json with_interval(const Estimate& e, const std::optional<Interval>& bootstrap) {
  nlohmann::json json = {{"mean", number(e.value)}, {"se", number(e.se)}, {"ci", nullptr}};
  if (!std::isnan(e.lo)) json["ci"] = pair_of(e.lo, e.hi);
  if (bootstrap) json["bootstrap_ci"] = pair_of(bootstrap->lo, bootstrap->hi);
  return json;
}

void add_pgr(nlohmann::json& json, const Pgr& pgr, const std::optional<Interval>& bootstrap) {
  if (pgr.estimate) {
    json["pgr"] = with_interval(*pgr.estimate, bootstrap);
    if (!pgr.no_interval.empty()) json["pgr"]["no_interval"] = pgr.no_interval;
  } else {
    json["pgr"] = nullptr;
    json["pgr_reason"] = pgr.reason;
  }
}

nlohmann::json measures_json(const Measures& measures) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : measures) json[name.text()] = number(value);
  return json;
}

nlohmann::json names_json(const Row& row, const LeaderboardOptions& options) {
  nlohmann::json json = {
      {"task", row.task},          {"weak", row.weak},         {"strong", row.strong},
      {"method", row.method},      {"name", row.name},         {"metric", options.metric},
      {"test", options.test},      {"protocol", row.protocol}, {"variant", row.variant},
      {"seeds", row.seeds.size()}, {"seed_list", row.seeds},   {"examples", row.student.examples},
      {"level", options.level},    {"rank", row.rank},         {"notes", row.notes}};
  if (!row.code.empty()) json["code"] = row.code;
  if (!row.origin.empty()) json["origin"] = row.origin;
  if (row.imported) json["imported"] = true;
  for (std::size_t i = 0; i < row.group.size(); ++i) json["by"][options.by[i]] = row.group[i];
  return json;
}

nlohmann::json per_seed_json(const Row& row) {
  nlohmann::json per_seed = nlohmann::json::object();
  for (const std::int64_t seed : row.seeds) {
    const auto it = row.pgr_per_seed.find(seed);
    per_seed[std::to_string(seed)] =
        it == row.pgr_per_seed.end() ? nlohmann::json(nullptr) : number(it->second);
  }
  return per_seed;
}

nlohmann::json shift_json(const Shift& shift) {
  nlohmann::json json = {{"floor", mean_and_se(shift.floor)},
                         {"ceiling", mean_and_se(shift.ceiling)},
                         {"student", with_interval(shift.student, {})},
                         {"drop", number(shift.drop)}};
  add_pgr(json, shift.pgr, {});
  return json;
}

nlohmann::json comparison_json(const Row& row) {
  const PairedTest& test = row.comparison;
  return {{"baseline", row.compared_with},
          {"difference", with_interval(test.difference, {})},
          {"test", test.test},
          {"p", number(test.p)},
          {"p_holm", number(row.p_holm)},
          {"bootstrap_p", number(test.bootstrap_p)},
          {"smallest_detectable_difference", number(test.detectable)}};
}

nlohmann::json row_json(const Row& row, const LeaderboardOptions& options) {
  nlohmann::json json = names_json(row, options);
  json["floor"] = mean_and_se(row.floor);
  json["ceiling"] = mean_and_se(row.ceiling);
  json["student"] = with_interval(row.student, row.student_bootstrap);
  add_pgr(json, row.pgr, row.pgr_bootstrap);
  if (row.pgr.estimate) json["pgr"]["per_seed"] = per_seed_json(row);
  if (!row.supervision.empty()) json["supervision"] = measures_json(row.supervision);
  if (const auto it = row.supervision.find("agreement"); it != row.supervision.end())
    json["agreement"] = it->second;
  if (!row.cost.empty()) json["cost"] = measures_json(row.cost);
  if (row.oracle) json["oracle"] = *row.oracle;
  for (const auto& [test, shift] : row.shifts) json["out_of_distribution"][test] = shift_json(shift);
  if (!row.compared_with.empty()) json["comparison"] = comparison_json(row);
  return json;
}

}  // namespace

nlohmann::json to_json(const Leaderboard& board) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : board.rows) rows.push_back(row_json(row, board.options));
  return rows;
}

}  // namespace w2s
