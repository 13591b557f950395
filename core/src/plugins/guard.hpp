// The guard around calls into plugins: whatever a plugin throws comes out as
// Error("loss 'x' (file.cpp:12): …"). A UsageError stays one; a message that already
// names the plugin, and exceptions of types of their own derived from Error, pass unchanged.
// Costs nothing where nothing is thrown. The header is free of LibTorch.
#pragma once

#include <string>
#include <utility>

#include <w2s/value.hpp>

namespace w2s {

/// Where a plugin was registered.
struct PluginOrigin {
  std::string kind;  ///< "loss", "model", …
  std::string name;
  std::string file;
  int line = 0;
  /// "loss 'x'"
  std::string title() const { return kind + " '" + name + "'"; }
  /// "loss 'x' (file.cpp:12)"
  std::string text() const { return title() + " (" + file + ":" + std::to_string(line) + ")"; }
};

/// Base of what is thrown through plugins although nothing went wrong: guards let it pass.
struct NotAnError {};

/// Call inside a catch block: throws what the guard makes of the current exception.
/// `configured` is put before the message of a UsageError that has no place of its own.
[[noreturn]] void rethrow_from_plugin(const PluginOrigin& origin, const Source* configured = nullptr);

/// f() with the guard; for calls into models and objectives, which have no guarded proxy.
template <class F>
decltype(auto) guarded(const PluginOrigin& origin, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    rethrow_from_plugin(origin);
  }
}

/// The same for calls whose mistakes are in the configuration, which `source` names.
template <class F>
decltype(auto) guarded(const PluginOrigin& origin, const Source& source, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    rethrow_from_plugin(origin, &source);
  }
}

}  // namespace w2s
