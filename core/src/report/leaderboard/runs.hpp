// Records as the parts of the leaderboard hand them to each other. They belong to the list that
// make_leaderboard was given.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "results/record.hpp"

namespace w2s {

using Students = std::vector<const Record *>;
using RunsBySeed = std::map<std::int64_t, const Record *>;

/// The records that a record names: null where they are not there.
struct Baselines {
  const Record *floor = nullptr, *ceiling = nullptr;
};

}  // namespace w2s
