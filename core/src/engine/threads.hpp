// How many threads LibTorch works with.
#pragma once

namespace w2s {

/// From now on in this process: LibTorch's own loops and the matrix products of the OpenBLAS that it uses,
/// which at::set_num_threads leaves at its default of one thread a processor.
void set_threads(int count);

}  // namespace w2s
