// A line of progress on stderr: rewritten on a terminal, else one every half minute.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace w2s::chess {

class Progress {
 public:
  /// `done` of `total` are there already.
  Progress(std::string what, std::int64_t done, std::int64_t total);
  ~Progress();
  void update(std::int64_t done, const std::string& detail = "");

 private:
  using Clock = std::chrono::steady_clock;
  const std::string what_;
  const std::int64_t before_, total_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
};

}  // namespace w2s::chess
