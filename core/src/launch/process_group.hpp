// What a job's process, with whatever it has started, uses.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace w2s {

/// Bytes that the processes of a group have allocated and that are in memory; mapped files do not count. 0
/// where the group is gone.
std::int64_t allocated_bytes(pid_t group);

}  // namespace w2s
