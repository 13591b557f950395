// Size and alignment of the interfaces as this core was compiled, to compare with a plugin's.
#pragma once

#include <cstddef>

#include <w2s/register.hpp>

namespace w2s {

struct InterfaceSize {
  std::size_t size = 0, align = 0;
};
InterfaceSize interface_size(PluginKind kind);

}  // namespace w2s
