// SplitParams: how a task's training rows become two halves. Free of LibTorch.
#pragma once

#include <cstdint>

#include <w2s/schema.hpp>

namespace w2s {

/// [task.split]: how the training rows become two halves. Sizes are example counts, 0 = as many as there are.
struct SplitParams {
  std::int64_t supervisor = 0;    // examples of the supervisor half, validation included
  std::int64_t transfer = 0;      // examples of the transfer half, validation included
  std::int64_t validation = 0;    // held out of each half for early stopping and model choice
  std::int64_t test = 0;          // examples of each test set (a fixed subset, the same for every seed)
  double max_class_share = 0.55;  // a class above this share is thinned out to balance
  bool balanced_test = true;
  std::int64_t seed = 0;  // of the test subset; the halves follow the run's seed
};

/// The schema of SplitParams, with ranges and meanings.
void describe_split(Schema<SplitParams>& schema);

}  // namespace w2s
