// Loops in the threads that LibTorch works with.
// May be called from any thread, also from within such a loop.
#pragma once

#include <cstdint>
#include <functional>

#include <w2s/export.hpp>

namespace w2s {

/// Calls f(begin, end) for ranges that make up [0, count), each of `grain` turns or more, at the same time in
/// as many threads as LibTorch has been given (`--threads`), and waits for all; within such a range, in this
/// thread alone. The first exception is passed on. Unlike at::parallel_for, it does not depend on whether,
/// and for which OpenMP, the file that calls it was compiled.
W2S_API void in_threads(std::int64_t count, std::int64_t grain,
                        const std::function<void(std::int64_t begin, std::int64_t end)>& f);

}  // namespace w2s
