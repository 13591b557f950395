// Lockstep: processes that do the same things in the same order over one store. One of them leads: it looks
// into the store and writes, the others do as it says.
#pragma once

#include <string>

namespace w2s {

class Lockstep {
 public:
  virtual ~Lockstep() = default;
  virtual bool leads() const = 0;
  /// The leader's message, in every process. Each call is one in all of them.
  virtual std::string broadcast(const std::string& message) = 0;
};

}  // namespace w2s
