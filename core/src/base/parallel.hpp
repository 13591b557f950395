// A loop whose turns are shared between the processor's threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace w2s {

/// Calls turn(i) for i in [0, count), in any order, each once, in up to 8 threads; fewer where there are
/// fewer than `least` turns for each. The first exception is passed on when all threads have ended.
template <class Turn>
void parallel_for(std::size_t count, std::size_t least, const Turn& turn) {
  const std::size_t threads = std::min({std::max<std::size_t>(1, std::thread::hardware_concurrency()),
                                        std::size_t{8}, count / std::max<std::size_t>(1, least)});
  if (threads < 2) {
    for (std::size_t i = 0; i < count; ++i) turn(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::vector<std::future<void>> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.push_back(std::async(std::launch::async, [&] {
      for (std::size_t i = next++; i < count; i = next++) turn(i);
    }));
  }
  for (auto& worker : workers) worker.wait();
  for (auto& worker : workers) worker.get();
}

}  // namespace w2s
