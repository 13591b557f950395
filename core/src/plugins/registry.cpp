#include "plugins/registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "plugins/compile.hpp"
#include "plugins/home.hpp"
#include "plugins/interface_size.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::string plural(PluginKind kind) {
  switch (kind) {
    case PluginKind::loss:
      return "losses";
    case PluginKind::strategy:
      return "strategies";
    default:
      return std::string(name_of(kind)) + "s";
  }
}

std::string place(const PluginInfo& plugin) {
  return plugin.file + ":" + std::to_string(plugin.line) + " (in " + plugin.library + ")";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

void check_interface_size(const PluginInfo& plugin) {
  const InterfaceSize ours = interface_size(plugin.kind);
  if (plugin.entry->interface_size == ours.size && plugin.entry->interface_align == ours.align) return;
  const auto text = [](std::size_t size, std::size_t align) {
    return std::to_string(size) + " bytes, aligned to " + std::to_string(align);
  };
  throw UsageError("plugin '" + plugin.library + "': " + plugin.origin().text() +
                   " was compiled against another " + name_of(plugin.kind) + " interface: plugin " +
                   text(plugin.entry->interface_size, plugin.entry->interface_align) + ", this w2s " +
                   text(ours.size, ours.align) + ". Rebuild it against this w2s's headers");
}

PluginKind kind_named(const PluginInfo& owner, const std::string& name) {
  if (const auto kind = value_named<PluginKind>(name)) return *kind;
  throw Error(owner.origin().text() + ": describes a field of an unknown plugin kind '" + name + "'");
}

bool names_no_plugin(const Value& value) {
  if (value.is_string()) return value.as_string().empty();
  if (!value.is_table()) return true;
  const Value* type = value.as_table().find("type");
  return type == nullptr || (type->is_string() && type->as_string().empty());
}

}  // namespace

void Registry::add_library(const std::string& path) {
  if (frozen_) throw Error("the plugin registry is frozen: '" + path + "' comes too late");
  const Library& library = load_library(path);
  const bool known = std::any_of(plugins_.begin(), plugins_.end(),
                                 [&](const auto& item) { return item.second.library == library.path; });
  if (known) return;
  if (library.entries.empty()) {
    throw UsageError("plugin '" + library.path + "' registers nothing: end its source with a line such as " +
                     "W2S_LOSS(MyLoss, \"my_loss\");");
  }
  std::map<Key, PluginInfo> added;
  for (const PluginEntry* entry : library.entries) {
    const PluginInfo plugin{entry->kind, entry->name,  entry->file,
                            entry->line, library.path, library.stamp.get("source_digest"),
                            entry};
    check_interface_size(plugin);
    const Key key{plugin.kind, plugin.name};
    const auto existing = plugins_.find(key);
    const auto [own, fresh] = added.emplace(key, plugin);
    if (existing != plugins_.end() || !fresh) {
      throw UsageError(plugin.origin().title() + " is registered twice: at " +
                       place(existing != plugins_.end() ? existing->second : own->second) + " and at " +
                       place(plugin) + ". Give one of them another name");
    }
  }
  plugins_.merge(added);
}

void Registry::add_path(const std::string& path) {
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return add_library(path);
  std::vector<std::string> files;
  for (fs::directory_iterator file(path, failed), end; !failed && file != end; file.increment(failed)) {
    if (file->path().extension() == ".so") files.push_back(file->path().string());
  }
  if (failed) throw UsageError("cannot read the plugin folder '" + path + "': " + failed.message());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) add_library(file);
}

std::vector<const PluginInfo*> Registry::list() const {
  std::vector<const PluginInfo*> all;
  for (const auto& [key, plugin] : plugins_) all.push_back(&plugin);
  return all;
}

std::vector<std::string> Registry::names(PluginKind kind) const {
  std::vector<std::string> names;
  for (const auto& [key, plugin] : plugins_) {
    if (key.first == kind) names.push_back(key.second);
  }
  return names;
}

bool Registry::has(PluginKind kind, const std::string& name) const {
  return plugins_.count({kind, name}) != 0;
}

const PluginInfo& Registry::find(PluginKind kind, const std::string& name, const Source& source) const {
  const auto found = plugins_.find({kind, name});
  if (found != plugins_.end()) return found->second;
  std::string message = std::string("there is no ") + name_of(kind) + " '" + name + "'";
  const std::vector<std::string> existing = names(kind);
  for (const PluginKind other : all_values<PluginKind>()) {
    if (has(other, name)) fail_at(source, message + ": '" + name + "' is a " + name_of(other));
  }
  message += did_you_mean(name, existing);
  fail_at(source, message + (existing.empty() ? "; no " + plural(kind) + " are loaded"
                                              : "; " + plural(kind) + " are " + joined(existing)));
}

std::unique_ptr<SchemaBase> Registry::schema(PluginKind kind, const std::string& name) const {
  const PluginInfo& plugin = find(kind, name);
  return guarded(plugin.origin(), plugin.entry->schema);
}

template <class Visit>
void Registry::each_nested(const PluginInfo& plugin, const Spec& spec, Table& params, Visit&& visit) const {
  const std::unique_ptr<SchemaBase> schema = guarded(plugin.origin(), plugin.entry->schema);
  for (const auto& field : schema->fields()) {
    if (field->plugin_kind().empty()) continue;
    const PluginKind kind = kind_named(plugin, field->plugin_kind());
    Value* slot = params.find(field->name());
    if (slot == nullptr) continue;
    const Value* written = spec.params.find(field->name());
    if (written == nullptr || written->is_list() != slot->is_list()) written = slot;
    if (!slot->is_list()) {
      if (!names_no_plugin(*slot)) visit(kind, Spec::parse(*written, field->plugin_kind()), *slot);
      continue;
    }
    for (std::size_t i = 0; i < slot->as_list().size(); ++i) {
      visit(kind, Spec::parse(written->as_list().at(i), field->plugin_kind()), slot->as_list()[i]);
    }
  }
}

Table Registry::resolved(PluginKind kind, const Spec& spec) const {
  const PluginInfo& plugin = find(kind, spec);
  const std::string title = plugin.origin().title();
  Table params = guarded(plugin.origin(), spec.source,
                         [&] { return plugin.entry->resolve(spec.params, title.c_str()); });
  each_nested(plugin, spec, params, [&](PluginKind nested, const Spec& inner, Value& slot) {
    slot = Value(Spec{inner.type, resolved(nested, inner), inner.source}.value()).at(inner.source);
  });
  return params;
}

std::vector<std::pair<PluginKind, Spec>> Registry::with_nested(PluginKind kind, const Spec& spec) const {
  std::vector<std::pair<PluginKind, Spec>> all{{kind, spec}};
  const PluginInfo& plugin = find(kind, spec);
  const std::string title = plugin.origin().title();
  Table params = guarded(plugin.origin(), spec.source,
                         [&] { return plugin.entry->resolve(spec.params, title.c_str()); });
  each_nested(plugin, spec, params, [&](PluginKind nested, const Spec& inner, Value&) {
    const auto inside = with_nested(nested, inner);
    all.insert(all.end(), inside.begin(), inside.end());
  });
  return all;
}

std::map<std::string, std::string> Registry::digests(PluginKind kind, const Spec& spec) const {
  std::map<std::string, std::string> all;
  for (const auto& [nested, inner] : with_nested(kind, spec)) {
    const PluginInfo& plugin = find(nested, inner);
    all[plugin.id()] = plugin.source_digest;
  }
  return all;
}

void* Registry::create(PluginKind kind, const Spec& spec) const {
  const PluginInfo& plugin = find(kind, spec);
  const std::string title = plugin.origin().title();
  return guarded(plugin.origin(), spec.source,
                 [&] { return plugin.entry->create(spec.params, title.c_str()); });
}

std::string built_in_plugin_folder() {
  const fs::path folder = fs::path(home_folder()) / "w2s" / "plugins";
  std::error_code failed;
  return fs::is_directory(folder, failed) ? folder.string() : "";
}

Registry load_plugins(const std::vector<std::string>& paths, const std::vector<std::string>& sources) {
  Registry registry;
  if (const std::string folder = built_in_plugin_folder(); !folder.empty()) registry.add_path(folder);
  if (const char* variable = std::getenv("W2S_PLUGIN_PATH")) {
    std::string_view rest = variable;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(':'), rest.size());
      const std::string path(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (path.empty()) continue;
      if (!fs::exists(path)) throw UsageError("W2S_PLUGIN_PATH names '" + path + "', which does not exist");
      registry.add_path(path);
    }
  }
  for (const std::string& path : paths) registry.add_path(path);
  for (const std::string& source : sources) registry.add_library(compile_plugin(source));
  registry.freeze();
  return registry;
}

}  // namespace w2s
