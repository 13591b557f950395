// How glibc provides memory to programs that fit models.
#pragma once

namespace w2s {

/// Memory that this process frees stays with it for the next tensor, up to 2 GiB, blocks of more than 32 MiB
/// excepted. Given back to the kernel, it would have to be cleared anew in every training step.
void keep_freed_memory();

}  // namespace w2s
