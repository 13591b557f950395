// How glibc provides memory to the programs that fit models.
#pragma once

namespace w2s {

/// Says in this process's environment, where it does not say so already (GLIBC_TUNABLES), how programs that
/// it becomes are to get their memory: freed memory is kept for the next tensor instead of being given back
/// to the kernel, which would have to clear it anew in each step, and comes in large pages where the system
/// has them. glibc reads this when a program starts: it changes nothing in the caller itself. Returns whether
/// it changed the environment.
bool ask_to_keep_memory();

}  // namespace w2s
