// The halves: who sees which rows. One procedure for every task.
//
// 1. A class with more than max_class_share of the training rows is thinned to the size of the next
//    largest class. 2. Groups are permuted by the run's seed and dealt to the supervisor half, then to the
//    transfer half; a group is never in both. 3. Each half gives its validation rows, again by whole groups.
// Test sets do not depend on the run's seed: methods and seeds are compared on the same examples.
#pragma once

#include <map>

#include <w2s/task.hpp>

#include "config/split_params.hpp"

namespace w2s {

struct Half {
  Examples train, validation;
};

struct Splits {
  Half supervisor, transfer;
  std::map<std::string, Examples> tests;  // "test" and the task's shifted sets
};

/// Throws UsageError where the task has fewer rows than the sizes ask for.
Splits make_splits(const TaskData& data, const SplitParams& split, std::uint64_t seed);

}  // namespace w2s
