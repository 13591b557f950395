#pragma once

#include <ATen/Parallel.h>

#include "engine/threads.hpp"

namespace w2s::testing {

/// set_threads() while this lives.
class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { set_threads(count); }
  ~Threads() { set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace w2s::testing
