#include "launch/display.hpp"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.hpp"
#include "base/terminal.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::size_t line_width() {
  const std::size_t width = terminal_width(STDERR_FILENO);
  return width > 20 ? width : 80;
}

// The first `width` characters (UTF-8 code points).
std::string cut(const std::string& text, std::size_t width) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && characters++ == width)
      return text.substr(0, i);
  }
  return text;
}

}  // namespace

Display::Display(bool terminal) : terminal_(terminal) {}

Display::~Display() { clear(); }

void Display::begin(std::size_t jobs, std::size_t done) {
  jobs_ = jobs;
  done_ = done;
  start_ = Clock::now();
}

void Display::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

void Display::line(const std::string& text) {
  clear();
  if (terminal_) {
    fmt::print(stderr, "{}\n", text);
  } else {
    spdlog::info("{}", text);
  }
}

void Display::ended(const std::string& title, bool ok, double seconds, const std::string& detail) {
  ++done_;
  ++ended_;
  line(fmt::format("[{}/{}] {}{} ({:.1f} s){}", done_, jobs_, ok ? "" : "FAILED ", title, seconds,
                   detail.empty() ? "" : ": " + detail));
}

void Display::show(const RunningJob& job, std::size_t running) {
  if (!terminal_ || (drawn_ && seconds_since(last_drawn_) < 0.1)) return;
  std::string text = fmt::format("[{}/{}] {}", done_, jobs_, job.title);
  if (const std::string progress = job.progress.text(); !progress.empty()) text += " · " + progress;
  if (running > 1) text += fmt::format(" · {} jobs at once", running);
  if (ended_ > 0 && jobs_ > done_) {
    const double left =
        seconds_since(start_) / static_cast<double>(ended_) * static_cast<double>(jobs_ - done_);
    text += fmt::format(" · about {} left", clock_text(left));
  } else {
    text += " · " + clock_text(seconds_since(start_));
  }
  fmt::print(stderr, "\r{}\033[K", cut(text, line_width() - 1));
  std::fflush(stderr);
  drawn_ = true;
  last_drawn_ = Clock::now();
}

void Display::finish() { clear(); }

}  // namespace w2s
