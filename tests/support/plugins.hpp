// The project's own plugins, loaded once for a test program.
#pragma once

#include "plugins/registry.hpp"

namespace w2s {

inline const Registry& plugins() {
  static const Registry registry = load_plugins();
  return registry;
}

}  // namespace w2s
