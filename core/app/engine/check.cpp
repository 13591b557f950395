// w2s check: what a plugin must do for results to mean what they say.
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/terminal.hpp"
#include "check/check.hpp"
#include "commands.hpp"
#include "values/toml.hpp"

namespace w2s::app {
namespace {

struct CheckOptions {
  std::string params = "{}";
};
void describe(OptionSchema<CheckOptions>& s) {
  s.option("params", &CheckOptions::params, "TABLE",
           "parameters as a TOML table, '{ q = 0.5 }'; those that have no default must be given");
}

using Plugin = std::pair<PluginKind, std::string>;

bool is_file(const std::string& target) {
  const std::string extension = std::filesystem::path(target).extension().string();
  return extension == ".cpp" || extension == ".so";
}

// The plugins that a file adds to those that are there anyway.
std::vector<Plugin> plugins_of(const Registry& with, const Registry& without) {
  std::vector<Plugin> added;
  for (const PluginInfo* info : with.list()) {
    if (!without.has(info->kind, info->name)) added.emplace_back(info->kind, info->name);
  }
  return added;
}

Table parse_params(const std::string& text) {
  Value tree = parse_toml("params = " + text, "--params");
  const Value& params = tree.as_table().at("params");
  if (!params.is_table()) throw UsageError("--params takes a TOML table: --params '{ q = 0.5 }'");
  return params.as_table();
}

// How the findings look, one plugin after another.
class Printer {
 public:
  Printer() : colour_(isatty(STDOUT_FILENO) != 0) {}

  void print(const Plugin& plugin, const std::vector<Finding>& findings) {
    fmt::print("{}/{}\n", name_of(plugin.first), plugin.second);
    for (const Finding& finding : findings) {
      ++(finding.passed() ? passed_ : failed_);
      fmt::print("  {}  {}\n", finding.passed() ? paint("ok  ", "32") : paint("FAIL", "31"), finding.rule);
      if (!finding.passed())
        fmt::print("        {}\n        what to do: {}\n", finding.problem, finding.advice);
    }
  }
  int finish() const {
    fmt::print("{} of {} checks passed\n", passed_, passed_ + failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  std::string paint(const std::string& text, const char* code) const {
    return colour_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }

  bool colour_;
  int passed_ = 0, failed_ = 0;
};

Plugin parse_name(const std::string& target) {
  const std::size_t slash = target.find('/');
  const auto kind = value_named<PluginKind>(target.substr(0, slash));
  if (slash != std::string::npos && kind) return {*kind, target.substr(slash + 1)};
  throw UsageError("check takes a .cpp, a .so or KIND/NAME, such as loss/gce; found '" + target + "'");
}

}  // namespace

int check(const Command& command, const Args& args) {
  Options options(command, {"plugin"});
  CheckOptions how;
  options.take(how);
  if (!options.parse(args)) return 0;
  const std::string target = options.argument("plugin");
  const Table params = parse_params(how.params);
  Printer printer;
  if (!is_file(target)) {
    const Plugin plugin = parse_name(target);
    const Registry registry = load_plugins();
    registry.find(plugin.first, plugin.second);
    printer.print(plugin, check_plugin(registry, plugin.first, {plugin.second, params, {}}));
    return printer.finish();
  }
  const bool source = std::filesystem::path(target).extension() == ".cpp";
  const std::vector<std::string> file = {std::filesystem::absolute(target).lexically_normal().string()};
  const Registry known = load_plugins();
  const Registry registry = source ? load_plugins({}, file) : load_plugins(file);
  const std::vector<Plugin> plugins = plugins_of(registry, known);
  if (plugins.empty()) {
    throw UsageError("'" + target + "' registers no plugin that is not there already: does it end in " +
                     "W2S_LOSS(Class, \"name\"), and is it not in W2S_PLUGIN_PATH?");
  }
  for (const Plugin& plugin : plugins)
    printer.print(plugin, check_plugin(registry, plugin.first, {plugin.second, params, {}}));
  return printer.finish();
}

}  // namespace w2s::app
