// Blocks: the students that share floor and ceiling, and of each method the runs that are averaged.
#pragma once

#include <string>
#include <vector>

#include "report/leaderboard/runs.hpp"
#include "report/leaderboard/selection.hpp"
#include "report/leaderboard/version_notes.hpp"

namespace w2s {

/// What becomes one row.
struct MethodRuns {
  std::string method, code;
  nlohmann::json variant;  // own_variant() of its students
  RunsBySeed by_seed;
  std::vector<std::string> notes;
};

/// Students of one task, protocol, point of a sweep that baselines depend on, pair, code of the baselines,
/// origin and platform.
struct Block {
  const Record* first = nullptr;  // a student, for the names
  std::vector<MethodRuns> methods;
  RunsBySeed floors, ceilings;
  std::vector<std::string> notes;
};

/// In the order of task, point of a sweep and protocol, then as recorded.
std::vector<Block> make_blocks(const Selection& selection, const VersionNotes& versions);

}  // namespace w2s
