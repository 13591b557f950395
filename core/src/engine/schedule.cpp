#include "engine/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace w2s {

std::int64_t warmup_steps(const TrainParams& train, std::int64_t total_steps) {
  const double steps =
      train.warmup < 1.0 ? std::floor(train.warmup * static_cast<double>(total_steps)) : train.warmup;
  return std::min(static_cast<std::int64_t>(steps), total_steps);
}

double learning_rate(const TrainParams& train, std::int64_t step, std::int64_t total_steps) {
  const std::int64_t warmup = warmup_steps(train, total_steps);
  if (step < warmup) return train.lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (train.schedule == ScheduleKind::constant) return train.lr;
  const auto done = static_cast<double>(step - warmup);
  const auto span = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup));
  if (train.schedule == ScheduleKind::cosine) return train.lr * 0.5 * (1.0 + std::cos(M_PI * done / span));
  return train.lr * (1.0 - done / span);
}

}  // namespace w2s
