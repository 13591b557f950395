#include "progress.hpp"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/terminal.hpp"

namespace w2s::chess {

Progress::Progress(std::string what, std::int64_t done, std::int64_t total)
    : what_(std::move(what)), before_(done), total_(total), terminal_(isatty(STDERR_FILENO) != 0) {
  if (done > 0) fmt::print(stderr, "{} {} of {} are there already\n", done, what_, total);
}

Progress::~Progress() {
  if (terminal_) fmt::print(stderr, "\n");
}

void Progress::update(std::int64_t done, const std::string& detail) {
  const Clock::time_point now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(30000);
  if (now - shown_ < pause && done < total_) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done - before_) / std::max(seconds, 1e-9);
  std::string line = fmt::format("{} {} of {}", what_, done, total_);
  if (!detail.empty()) line += ", " + detail;
  if (rate > 0 && done < total_) {
    const auto left = static_cast<std::int64_t>(static_cast<double>(total_ - done) / rate);
    line += fmt::format(", {:.1f} a second, {}:{:02} left", rate, left / 60, left % 60);
  }
  if (terminal_) {
    const std::size_t width = std::max<std::size_t>(terminal_width(STDERR_FILENO), 20);
    fmt::print(stderr, "\r\x1b[K{}", line.substr(0, width - 1));
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

}  // namespace w2s::chess
