#define BOOST_DLL_USE_STD_FS
#include "plugins/library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <tuple>

#include "plugins/stamp.hpp"

namespace w2s {
namespace {

struct Loaded {
  boost::dll::shared_library handle;
  Library library;
};

std::string loader_message() {
  const char* text = dlerror();
  const std::string message = text != nullptr ? text : "unknown error of the loader";
  static const std::regex missing_symbol("undefined symbol: ([^\\s,]+)");
  std::smatch match;
  if (!std::regex_search(message, match, missing_symbol)) return message;
  return "it uses '" + boost::core::demangle(match[1].str().c_str()) +
         "', which neither it nor the SDK defines: link what defines it into the plugin";
}

std::unique_ptr<Loaded> load(const std::string& path) {
  auto loaded = std::make_unique<Loaded>();
  loaded->library.path = path;
  loaded->library.stamp = read_stamp(path);
  check_stamp(path, loaded->library.stamp);

  using boost::dll::load_mode::type;
  using namespace boost::dll::load_mode;
  std::error_code failed;
  loaded->handle.load(path, static_cast<type>(rtld_now | rtld_local), failed);
  if (failed) throw UsageError("plugin '" + path + "' cannot be loaded: " + loader_message());
  if (!loaded->handle.has("w2s_plugin_entries")) {
    throw UsageError("plugin '" + path + "' has no entry symbol: build it with w2s_add_plugin()");
  }
  const PluginEntry* entry = loaded->handle.get<PluginEntry*()>("w2s_plugin_entries")();
  for (; entry != nullptr; entry = entry->next) loaded->library.entries.push_back(entry);
  std::sort(loaded->library.entries.begin(), loaded->library.entries.end(), [](const auto* a, const auto* b) {
    return std::make_tuple(a->kind, std::string_view(a->name), a->line) <
           std::make_tuple(b->kind, std::string_view(b->name), b->line);
  });
  return loaded;
}

}  // namespace

const Library& load_library(const std::string& path) {
  static auto& mutex = *new std::mutex;
  static auto& libraries = *new std::map<std::string, std::unique_ptr<Loaded>>;
  std::error_code missing;
  const std::string canonical = std::filesystem::canonical(path, missing).string();
  if (missing) throw UsageError("there is no plugin '" + path + "': " + missing.message());

  const std::lock_guard lock(mutex);
  auto& loaded = libraries[canonical];
  if (!loaded) loaded = load(canonical);
  return loaded->library;
}

}  // namespace w2s
