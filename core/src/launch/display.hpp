// Display: what a run shows while it works. One line that is redrawn on a
// terminal, plain log lines elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "status/progress.hpp"

namespace w2s {

/// State of one running job, as the pool knows it.
struct RunningJob {
  std::string title;
  Progress progress;
};

class Display {
 public:
  /// `terminal`: stderr is one.
  explicit Display(bool terminal);
  ~Display();

  void begin(std::size_t jobs, std::size_t done);
  /// A job ended; `detail` is its result or why it failed.
  void ended(const std::string& title, bool ok, double seconds, const std::string& detail);
  /// Called often; redraws at most ten times a second.
  void show(const RunningJob& job, std::size_t running);
  /// A line above the progress line.
  void line(const std::string& text);
  void finish();

 private:
  void clear();

  bool terminal_, drawn_ = false;
  std::size_t jobs_ = 0, done_ = 0, ended_ = 0;
  std::chrono::steady_clock::time_point start_, last_drawn_;
};

}  // namespace w2s
