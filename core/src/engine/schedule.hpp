// Learning rate at step k of n, with w warm-up steps:
//   k < w: lr·(k+1)/w;  then constant: lr;  cosine: lr·½(1 + cos(π(k−w)/(n−w)));  linear: lr·(n−k)/(n−w).
#pragma once

#include <cstdint>

#include <w2s/train.hpp>

namespace w2s {

/// `train.warmup` below 1 is a fraction of all steps, else a number of steps.
std::int64_t warmup_steps(const TrainParams& train, std::int64_t total_steps);
double learning_rate(const TrainParams& train, std::int64_t step, std::int64_t total_steps);

}  // namespace w2s
