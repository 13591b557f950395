// Every plugin passes the conformance kit, built in or not: run with W2S_PLUGIN_PATH for plugins of your own.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "../support/tiny_world.hpp"
#include "check/check.hpp"

namespace w2s {
namespace {

using testing::plugins;

using Plugin = std::pair<PluginKind, std::string>;

// What can be tried with default parameters and without data: no files that are not there, no required paths.
bool stands_alone(const Plugin& plugin) {
  if (plugin.first == PluginKind::loss || plugin.first == PluginKind::strategy) return true;
  const auto schema = plugins().schema(plugin.first, plugin.second);
  for (const auto& field : schema->fields()) {
    if (field->is_required()) return false;
  }
  try {
    if (plugin.first == PluginKind::model) plugins().make_model({plugin.second, {}, {}});
    if (plugin.first != PluginKind::task) return true;
    return plugins().make_task({plugin.second, {}, {}})->files().empty();
  } catch (const Error&) {
    return false;
  }
}

std::vector<Plugin> every_plugin() {
  std::vector<Plugin> all;
  for (const PluginInfo* info : plugins().list()) {
    if (stands_alone({info->kind, info->name})) all.emplace_back(info->kind, info->name);
  }
  return all;
}

class EveryPlugin : public ::testing::TestWithParam<Plugin> {};

TEST_P(EveryPlugin, PassesTheKit) {
  for (const Finding& finding : check_plugin(plugins(), GetParam().first, {GetParam().second, {}, {}}))
    EXPECT_TRUE(finding.passed()) << finding.rule << ": " << finding.problem;
}

TEST_P(EveryPlugin, AcceptsItsOwnDefaults) {
  const auto schema = plugins().schema(GetParam().first, GetParam().second);
  const Spec plain{GetParam().second, {}, {}};
  if (std::ranges::any_of(schema->fields(), [](const auto& field) { return field->is_required(); })) {
    EXPECT_THROW(plugins().resolved(GetParam().first, plain), UsageError);
    return;
  }
  const Table resolved = plugins().resolved(GetParam().first, plain);
  EXPECT_TRUE(Value(plugins().resolved(GetParam().first, {GetParam().second, resolved, {}})) ==
              Value(resolved));
}

INSTANTIATE_TEST_SUITE_P(Plugins, EveryPlugin, ::testing::ValuesIn(every_plugin()), [](const auto& info) {
  return std::string(name_of(info.param.first)) + "_" + info.param.second;
});

}  // namespace
}  // namespace w2s
