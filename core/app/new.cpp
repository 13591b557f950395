// w2s new: the file that a plugin starts from.
#include <filesystem>
#include <regex>

#include <fmt/format.h>

#include "base/files.hpp"
#include "commands.hpp"
#include "plugin_templates.hpp"

namespace w2s::app {
namespace {

struct NewOptions {
  std::optional<std::string> out;
};
void describe(OptionSchema<NewOptions>& s) {
  s.option("out", &NewOptions::out, "FILE", "where it goes; by default NAME.cpp, here");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// "my_loss" → "MyLoss"
std::string class_name(const std::string& name) {
  std::string result;
  bool capital = true;
  for (const char letter : name) {
    if (letter == '_') {
      capital = true;
      continue;
    }
    result += capital ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
    capital = false;
  }
  return result;
}

const PluginTemplate& template_of(const std::string& kind) {
  std::vector<std::string> names;
  for (const PluginTemplate& candidate : kPluginTemplates) {
    names.push_back(candidate.kind);
    if (kind == candidate.kind) return candidate;
  }
  throw UsageError("w2s new: there is no kind of plugin '" + kind + "'" + did_you_mean(kind, names) +
                   "; there are " + one_of_list(names));
}

void print_next_steps(const std::string& kind, const std::string& name, const std::string& file) {
  fmt::print("wrote {}\n\n  w2s check {}{}\n", file, file,
             kind == "task" ? " --params '{ train = \"train.csv\", test = \"test.csv\" }'" : "");
  const std::string source = fmt::format("\n  [plugins]\n  sources = [\"{}\"]\n", file);
  if (kind == "loss") fmt::print("{}\n  [methods.mine]\n  loss = \"{}\"\n", source, name);
  if (kind == "strategy") fmt::print("{}\n  [methods.mine]\n  strategy = \"{}\"\n", source, name);
  if (kind == "model") fmt::print("{}\n  [models.mine]\n  type = \"{}\"\n", source, name);
  if (kind == "objective") fmt::print("{}\n  [models.strong.pretrain]\n  objective = \"{}\"\n", source, name);
  if (kind == "task")
    fmt::print("{}\n  [task]\n  type = \"{}\"\n  train = \"train.csv\"\n  test = \"test.csv\"\n", source,
               name);
}

}  // namespace

int new_plugin(const Command& command, const Args& args) {
  Options options(command, {"kind", "name"});
  NewOptions how;
  options.take(how);
  if (!options.parse(args)) return 0;
  const PluginTemplate& start = template_of(options.argument("kind"));
  const std::string name = options.argument("name");
  if (!std::regex_match(name, std::regex("[a-z][a-z0-9_]*")))
    throw UsageError("w2s new: '" + name +
                     "' is no name for a plugin: small letters, digits and _, a letter first");
  const std::string file = how.out.value_or(name + ".cpp");
  if (std::filesystem::exists(file))
    throw UsageError("w2s new: '" + file + "' exists; choose another name or --out FILE");
  const std::string placeholder = std::string("my_") + start.kind;
  write_file_atomically(
      file, replaced(replaced(start.text, class_name(placeholder), class_name(name)), placeholder, name));
  print_next_steps(start.kind, name, file);
  return 0;
}

}  // namespace w2s::app
