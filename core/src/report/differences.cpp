#include "report/differences.hpp"

#include <map>

#include <fmt/format.h>

#include "values/toml.hpp"

namespace w2s {
namespace {

using nlohmann::json;
using Settings = std::map<std::string, std::string>;

void flatten(const Value& value, const std::string& path, Settings& settings) {
  if (!value.is_table()) {
    settings[path] = value.is_null() ? "" : value.toml();
    return;
  }
  for (const auto& [key, child] : value.as_table()) {
    flatten(child, path.empty() ? key : path + "." + key, settings);
  }
}

Settings settings_of(const json& provenance) {
  Settings settings;
  const std::string text = provenance.is_object() ? provenance.value("experiment", "") : "";
  if (text.empty()) return settings;
  try {
    flatten(parse_toml(text, "resolved experiment"), "", settings);
  } catch (const UsageError&) {
    settings.clear();  // of an older version: only what else is kept can be compared
  }
  return settings;
}

bool is_within(const std::string& path, const std::string& part) {
  return path == part || path.starts_with(part + ".");
}

std::string text_of(const json& provenance, const char* field) {
  const auto it = provenance.find(field);
  return it != provenance.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

std::vector<std::string> differences(const json& provenance, const json& other,
                                     const std::vector<std::string>& parts) {
  std::vector<std::string> found;
  if (!provenance.is_object() || !other.is_object()) return found;
  const Settings mine = settings_of(provenance), theirs = settings_of(other);
  const auto counts = [&](const std::string& path) {
    if (path == "task.name" || path.ends_with(".path")) return false;
    for (const std::string& part : parts)
      if (is_within(path, part)) return true;
    return false;
  };
  if (!mine.empty() && !theirs.empty()) {
    for (const auto& [path, value] : mine) {
      const auto it = theirs.find(path);
      if (!counts(path) || (it != theirs.end() && it->second == value)) continue;
      found.push_back(fmt::format("{} = {}, {}", path, value,
                                  it == theirs.end() ? "not set there" : "not " + it->second));
    }
    for (const auto& [path, value] : theirs) {
      if (counts(path) && mine.count(path) == 0) found.push_back(fmt::format("{} not set", path));
    }
  }
  const json none = json::object(), code = provenance.value("plugins", none),
             others = other.value("plugins", none);
  for (const auto& [plugin, digest] : code.items()) {
    if (const auto it = others.find(plugin); it != others.end() && *it != digest)
      found.push_back("the code of " + plugin);
  }
  const json own_parts = provenance.value("parts", none), other_parts = other.value("parts", none);
  for (const auto& [part, digest] : own_parts.items()) {
    if (part != "measures" && other_parts.value(part, json()) != digest)
      found.push_back("w2s's own code: " + part);
  }
  for (const auto& [field, name] : {std::pair("torch", "LibTorch"), std::pair("device", "device")}) {
    const std::string a = text_of(provenance, field), b = text_of(other, field);
    if (a != b)
      found.push_back(
          fmt::format("{} {}, not {}", name, a.empty() ? "unknown" : a, b.empty() ? "unknown" : b));
  }
  return found;
}

std::string differences_text(const std::vector<std::string>& differences) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < differences.size() && i < kShown; ++i)
    text += (i > 0 ? "; " : "") + differences[i];
  if (differences.size() > kShown) text += fmt::format("; and {} more", differences.size() - kShown);
  return text;
}

}  // namespace w2s
