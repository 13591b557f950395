// Registry: the plugins of this process by kind and name.
//
// Filled from libraries, each taken all or none, and then frozen. After freeze() every
// member is safe to call from several threads. Objects that it makes are guarded: what
// plugin code throws comes out as w2s::Error naming the plugin (guard.hpp). The entries
// live as long as the process, so a Registry may be copied and dropped at will.
// Free of LibTorch in this header.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <w2s/register.hpp>

#include "plugins/guard.hpp"
#include "plugins/library.hpp"

namespace w2s {

class ITask;
class IModel;
class IObjective;
class ILoss;
class ISupervisionStrategy;

/// One registered plugin and where it came from.
struct PluginInfo {
  PluginKind kind;
  std::string name;
  std::string file;  ///< as compiled: where the registration macro stands
  int line = 0;
  std::string library;        ///< canonical path of the shared object
  std::string source_digest;  ///< of the plugin's own sources, from the stamp
  const PluginEntry* entry = nullptr;

  PluginOrigin origin() const { return {name_of(kind), name, file, line}; }
  /// "loss/gce"
  std::string id() const { return std::string(name_of(kind)) + "/" + name; }
};

class Registry {
 public:
  /// A shared object. Its entries are taken all or none; a library that is there already is skipped.
  /// Throws UsageError where it is refused, or where a name is taken, naming both files and lines.
  void add_library(const std::string& path);
  /// A shared object, or a folder: each *.so in it. Throws UsageError for a path that does not exist.
  void add_path(const std::string& path);
  /// Ends the adding.
  void freeze() { frozen_ = true; }

  /// All plugins, by kind and name.
  std::vector<const PluginInfo*> list() const;
  std::vector<std::string> names(PluginKind kind) const;
  bool has(PluginKind kind, const std::string& name) const;
  /// Throws UsageError("<source>: there is no loss 'gec' (did you mean 'gce'?); there are …").
  const PluginInfo& find(PluginKind kind, const std::string& name, const Source& source = {}) const;
  const PluginInfo& find(PluginKind kind, const Spec& spec) const {
    return find(kind, spec.type, spec.source);
  }

  std::unique_ptr<SchemaBase> schema(PluginKind kind, const std::string& name) const;

  /// The parameters with every default filled in, in nested plugins too. Throws UsageError
  /// for a plugin or a parameter that does not exist or is out of range.
  Table resolved(PluginKind kind, const Spec& spec) const;
  /// Source digests of a plugin and of those nested in its parameters: "loss/gce" → digest.
  std::map<std::string, std::string> digests(PluginKind kind, const Spec& spec) const;
  /// The plugin and those nested in its parameters, defaults among them, outermost first.
  std::vector<std::pair<PluginKind, Spec>> with_nested(PluginKind kind, const Spec& spec) const;

  // Objects. Throw UsageError for parameters that do not parse and Error for constructors that fail.
  std::unique_ptr<ITask> make_task(const Spec& spec) const;
  std::unique_ptr<ILoss> make_loss(const Spec& spec) const;
  std::unique_ptr<ISupervisionStrategy> make_strategy(const Spec& spec) const;
  // The plugin's own objects: their interfaces have members that are not virtual, so
  // the caller guards its calls with guarded(find(…).origin(), …).
  std::unique_ptr<IModel> make_model(const Spec& spec) const;
  std::unique_ptr<IObjective> make_objective(const Spec& spec) const;

 private:
  using Key = std::pair<PluginKind, std::string>;

  void* create(PluginKind kind, const Spec& spec) const;
  /// Calls visit(kind, spec, slot) for each plugin named in the parameters of `spec`; `slot` is its value
  /// in `params`, which are those parameters resolved.
  template <class Visit>
  void each_nested(const PluginInfo& plugin, const Spec& spec, Table& params, Visit&& visit) const;

  std::map<Key, PluginInfo> plugins_;
  bool frozen_ = false;
};

/// The folder of the plugins that were built or installed with this core; "" where there is none.
std::string built_in_plugin_folder();

/// Built-in plugins, then W2S_PLUGIN_PATH (colon-separated files and folders), then `paths`,
/// then `sources`, each compiled (compile.hpp). Frozen.
Registry load_plugins(const std::vector<std::string>& paths = {},
                      const std::vector<std::string>& sources = {});

}  // namespace w2s
