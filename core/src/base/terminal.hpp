// The terminal that a file descriptor may be.
#pragma once

#include <cstddef>

namespace w2s {

/// Its width in columns; 0 where the descriptor is no terminal or does not know.
std::size_t terminal_width(int descriptor);

}  // namespace w2s
