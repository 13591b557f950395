// What LibTorch's errors say, without the list of stack frames that follows it.
#pragma once

#include <exception>
#include <string>

#include <c10/util/Exception.h>

namespace w2s {

inline std::string message_of(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  return torch != nullptr ? torch->what_without_backtrace() : error.what();
}

}  // namespace w2s
