// Doubts: what makes a row's mean mislead, as notes for its reader.
#pragma once

#include <string>
#include <vector>

#include "report/leaderboard.hpp"
#include "report/leaderboard/runs.hpp"

namespace w2s {

/// Of a method's students and their supervisors on the main test set: a supervisor as good as one class for
/// all, a student that agrees with its supervisor wholly, a seed far below the others. `metric` is the
/// leaderboard's.
std::vector<std::string> doubts_of(const RunsBySeed& students, const RunsBySeed& floors,
                                   const std::string& test, MeasureName metric);

/// Rows of one block in which a method has, at two points of a sweep, the very same numbers at every seed:
/// notes at the later one. `records` is the list that Row::runs points into.
void note_equal_points(std::vector<Row>& rows, const std::vector<Record>& records);

}  // namespace w2s
