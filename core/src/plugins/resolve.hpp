// A plugin's spec in the form that keys are made of.
#pragma once

#include <string>

#include "plugins/registry.hpp"

namespace w2s {

/// The spec with every default filled in, in nested plugins too.
Spec resolve(const Registry& registry, PluginKind kind, const Spec& spec);

/// Digest of the resolved parameters and of the code of the plugin and those nested in it.
std::string spec_digest(const Registry& registry, PluginKind kind, const Spec& spec);

}  // namespace w2s
