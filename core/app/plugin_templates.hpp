// The files of plugins/template/, one for each kind of plugin; compiled in by the build.
#pragma once

#include <array>

namespace w2s::app {

struct PluginTemplate {
  const char* kind;
  const char* text;  // registers "my_<kind>" as class "My<Kind>"
};

extern const std::array<PluginTemplate, 5> kPluginTemplates;

}  // namespace w2s::app
