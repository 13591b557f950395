#include "plan/changes.hpp"

#include <set>
#include <tuple>

#include "results/record.hpp"

namespace w2s {
namespace {

using nlohmann::json;

constexpr std::size_t kCompared = 1000;  // each costs reading a manifest

// The recipe with the recipes that it refers to in the place of their keys.
json expanded(const json& value, const json& parts) {
  if (value.is_string()) {
    const auto part = parts.find(value.get<std::string>());
    return part == parts.end() ? value : expanded(*part, parts);
  }
  if (!value.is_structured()) return value;
  json whole = value;
  for (auto& item : whole) item = expanded(item, parts);
  return whole;
}

std::string shown(const json& value) {
  const std::string text = value.dump();
  return text.size() <= 24 ? text : "";
}

void compare(const json& before, const json& now, const std::string& path, std::set<std::string>& changes) {
  if (before == now) return;
  if (before.is_object() && now.is_object()) {
    std::set<std::string> names;
    for (const json& side : {before, now})
      for (const auto& [name, value] : side.items()) names.insert(name);
    for (const std::string& name : names)
      compare(before.value(name, json()), now.value(name, json()), path.empty() ? name : path + "." + name,
              changes);
    return;
  }
  const std::string then = shown(before), today = shown(now);
  changes.insert(path + (then.empty() || today.empty() ? "" : ": " + then + " → " + today));
}

// What a record goes by: its experiment's names.
using Names = std::tuple<std::string, std::string, std::string, std::string, std::string, std::int64_t>;

}  // namespace

std::vector<std::string> recipe_changes(const json& before, const json& now) {
  if (!before.contains("recipe")) return {"stored in an older format"};
  const auto whole = [](const json& manifest) {
    return expanded(manifest.at("recipe").value("of", json()), manifest.value("parts", json::object()));
  };
  std::set<std::string> changes;
  compare(whole(before), whole(now), "", changes);
  return {changes.begin(), changes.end()};
}

std::map<std::string, std::size_t> computed_anew(const Plan& plan, const Store& store) {
  if (plan.open() == 0) return {};
  std::map<Names, std::string> known;  // newest last
  for (const StoredRecord& stored : store.records()) {
    const Record record = parse_record(stored.json);
    known[{record.experiment, record.kind, record.weak, record.strong, record.method, record.seed}] =
        stored.key;
  }
  std::map<std::string, std::size_t> counts;
  std::size_t compared = 0;
  for (const Job& job : plan.jobs) {
    // Points of a sweep differ by what is swept.
    if (job.done || !plan.experiments[job.experiment].variant.empty()) continue;
    const auto before = known.find({plan.experiments[job.experiment].name, name_of(job.kind), job.weak,
                                    job.strong, job.method, job.seed});
    if (before == known.end()) continue;
    if (++compared > kCompared) {
      ++counts["not compared, there are too many"];
      continue;
    }
    json now;
    plan.recipe(job).write(now);
    std::string text;
    for (const std::string& change : recipe_changes(store.manifest(before->second), now))
      text += (text.empty() ? "" : ", ") + change;
    ++counts[text];
  }
  return counts;
}

}  // namespace w2s
