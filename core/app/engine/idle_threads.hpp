// What LibTorch's threads do while they wait for work.
#pragma once

namespace w2s::app {

/// For a command whose work takes so many threads. An OpenBLAS with threads of its own, as Debian's is by
/// default, shares the processors with those of OpenMP, which keep turning in a loop for milliseconds after
/// each of their loops: a training step takes three times as long. OpenMP's are told to sleep instead
/// (OMP_WAIT_POLICY=PASSIVE), by starting this program anew, since they read that once; not where the user
/// has set this variable or GOMP_SPINCOUNT.
void let_idle_threads_sleep(int threads);

}  // namespace w2s::app
