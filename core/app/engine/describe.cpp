// w2s list and w2s describe: what plugins and settings there are, from their own schemas.
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "base/display_width.hpp"
#include "base/terminal.hpp"
#include "commands.hpp"
#include "config/experiment.hpp"
#include "plugin_option.hpp"
#include "plugins/registry.hpp"

namespace w2s::app {
namespace {

struct DescribeOptions {
  bool all = false, markdown = false;
};
void describe(OptionSchema<DescribeOptions>& s) {
  s.option("all", &DescribeOptions::all, "", "every plugin");
  s.option("markdown", &DescribeOptions::markdown, "",
           "as Markdown: the reference in docs/ is made with --all --markdown");
}

PluginKind kind_named(const std::string& text) {
  if (const auto kind = value_named<PluginKind>(text)) return *kind;
  const std::vector<std::string> names = names_of<PluginKind>();
  throw UsageError("there is no kind of plugin '" + text + "'" + did_you_mean(text, names) + "; there are " +
                   one_of_list(names));
}

std::string first_sentence(const std::string& text) {
  const std::size_t end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

// The value to paste: the default, or a placeholder of the right type.
std::string example(const Field& field, const Table& defaults) {
  const Value* value = defaults.find(field.name());
  if (value == nullptr || value->is_null() || field.is_required()) return "…";
  return value->toml();
}

void print_fields(const SchemaBase& schema, bool markdown) {
  if (schema.fields().empty()) return;
  const Table defaults = schema.defaults();
  fmt::print("{}",
             markdown ? "\n| parameter | type | default | meaning |\n|---|---|---|---|\n" : "\nParameters\n");
  for (const auto& field : schema.fields()) {
    const std::string value = field->is_required() ? "required" : example(*field, defaults);
    if (markdown) {
      fmt::print("| `{}` | {} | {} | {} |\n", field->name(), field->type_text(),
                 field->is_required() ? value : "`" + value + "`", field->doc());
    } else {
      fmt::print("  {} = {}  ({})\n      {}\n", field->name(), value, field->type_text(), field->doc());
    }
  }
}

// Tables of the experiment file that the core itself reads: "train", "split" and "launcher".
bool describe_settings(const std::string& name, bool markdown) {
  Schema<TrainParams> train;
  Schema<SplitParams> split;
  Schema<LauncherParams> launcher;
  describe_train(train);
  describe_split(split);
  describe_launcher(launcher);
  const SchemaBase* schema = nullptr;
  if (name == "train") schema = &train;
  if (name == "split") schema = &split;
  if (name == "launcher") schema = &launcher;
  if (schema == nullptr) return false;
  fmt::print("{}[{}]\n\n{}\n", markdown ? "### " : "", name == "split" ? "task.split" : name,
             schema->summary());
  print_fields(*schema, markdown);
  return true;
}

void describe_plugin(const Registry& registry, PluginKind kind, const std::string& name, bool markdown) {
  const PluginInfo& info = registry.find(kind, name);
  const std::unique_ptr<SchemaBase> schema = registry.schema(kind, name);
  const Table defaults = schema->defaults();
  fmt::print("{}{}/{}\n\n{}\n", markdown ? "### " : "", name_of(kind), name, schema->summary());
  if (!schema->formula().empty())
    fmt::print("\n{}{}{}\n", markdown ? "`" : "  ", schema->formula(), markdown ? "`" : "");
  if (!schema->source().empty()) fmt::print("\nSource: {}.\n", schema->source());
  if (schema->batch_statistics())
    fmt::print("\nUses statistics of the batch: an example's loss depends on the others.\n");
  print_fields(*schema, markdown);
  std::string toml = fmt::format("{{ type = \"{}\"", name);
  for (const auto& field : schema->fields())
    toml += fmt::format(", {} = {}", field->name(), example(*field, defaults));
  toml += " }";
  if (markdown) {
    fmt::print("\n```toml\n{}\n```\n\n", toml);
  } else {
    fmt::print("\nTo paste\n  {}\n\nFrom {}:{}\n", toml, info.file, info.line);
  }
}

}  // namespace

int list(const Command& command, const Args& args) {
  Options options(command, {"kind"});
  PluginOption plugins;
  options.take(plugins);
  if (!options.parse(args)) return 0;
  std::vector<PluginKind> kinds;
  for (const std::string& name : options.arguments("kind")) kinds.push_back(kind_named(name));
  if (kinds.empty()) {
    const auto all = all_values<PluginKind>();
    kinds.assign(all.begin(), all.end());
  }
  const Registry registry = registry_with(plugins);
  const std::size_t columns = terminal_width(STDOUT_FILENO);
  for (const PluginKind kind : kinds) {
    std::size_t width = 0;
    for (const std::string& name : registry.names(kind)) width = std::max(width, name.size());
    fmt::print("{}\n", name_of(kind));
    for (const std::string& name : registry.names(kind)) {
      const std::string line =
          fmt::format("  {:<{}}  {}", name, width, first_sentence(registry.schema(kind, name)->summary()));
      fmt::print("{}\n", columns > 0 && display_width(line) > columns ? fit_left(line, columns) : line);
    }
  }
  return 0;
}

int describe(const Command& command, const Args& args) {
  Options options(command, {"plugin-name"});
  PluginOption plugins;
  DescribeOptions how;
  options.take(plugins);
  options.take(how);
  if (!options.parse(args)) return 0;
  if (how.all) {
    const Registry registry = registry_with(plugins);
    for (const PluginKind kind : all_values<PluginKind>()) {
      if (how.markdown) fmt::print("## {}\n\n", name_of(kind));
      for (const std::string& name : registry.names(kind)) {
        describe_plugin(registry, kind, name, how.markdown);
      }
    }
    return 0;
  }
  const std::string wanted = options.argument("plugin-name");
  if (describe_settings(wanted, how.markdown)) return 0;
  const std::size_t slash = wanted.find('/');
  if (slash == std::string::npos) {
    throw UsageError(
        "describe takes KIND/NAME, for instance loss/gce, or one of the experiment file's own tables, "
        "train, split or launcher; found '" +
        wanted + "'");
  }
  const PluginKind kind = kind_named(wanted.substr(0, slash));
  describe_plugin(registry_with(plugins), kind, wanted.substr(slash + 1), how.markdown);
  return 0;
}

}  // namespace w2s::app
