#include "base/terminal.hpp"

#include <sys/ioctl.h>

namespace w2s {

std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace w2s
