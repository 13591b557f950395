// Shares: which examples of a batch each process of a team takes.
#pragma once

#include <cstdint>
#include <vector>

namespace w2s {

/// Positions 0 … costs.size() − 1 in `count` runs of the longest first, so that the dearest run is as cheap
/// as it can be; a run costs its longest times its length where rows are padded, else their sum. Last runs
/// may be empty.
std::vector<std::vector<std::int64_t>> shares(const std::vector<std::int64_t>& costs, std::int64_t count,
                                              bool padded);

/// The part of n rows in their order that belongs to one of `count` processes: [first, last).
struct Range {
  std::int64_t first = 0, last = 0;
};
Range range_of(std::int64_t rows, std::int64_t rank, std::int64_t count);

}  // namespace w2s
