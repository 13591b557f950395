#include "launch/pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <w2s/error.hpp>

#include "base/files.hpp"
#include "launch/job_runner.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

volatile sig_atomic_t interrupts = 0;
void on_interrupt(int) { interrupts = interrupts + 1; }

// Ctrl-C asks the jobs to end; a second one ends them at once.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupts = 0;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

void write_line(int fd, const nlohmann::json& message) {
  const std::string line = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = ::write(fd, line.data() + sent, line.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the parent is gone; the job's record is what counts
    sent += static_cast<std::size_t>(n);
  }
}

// Sends progress at most ten times a second.
std::function<void(const Progress&)> progress_sender(int fd) {
  auto last = std::make_shared<Clock::time_point>();
  auto last_what = std::make_shared<std::string>();
  return [fd, last, last_what](const Progress& progress) {
    const auto now = Clock::now();
    if (progress.what == *last_what && now - *last < std::chrono::milliseconds(100)) return;
    *last = now;
    *last_what = progress.what;
    write_line(fd, {{"what", progress.what},
                    {"step", progress.report.step},
                    {"total", progress.report.total},
                    {"loss", progress.report.loss},
                    {"per_second", progress.report.examples_per_second}});
  };
}

nlohmann::json run_one(JobRunner& runner, const Job& job) {
  try {
    const JobOutcome outcome = runner.run(job);
    return {{"ended", true},
            {"fits", outcome.fits},
            {"computed", outcome.computed},
            {"summary", outcome.summary}};
  } catch (const c10::Error& error) {
    return {{"ended", true}, {"error", error.what_without_backtrace()}};
  } catch (const std::bad_alloc&) {
    return {{"ended", true}, {"error", "out of memory"}};
  } catch (const std::exception& error) {
    return {{"ended", true}, {"error", error.what()}};
  }
}

// The last training step that a job finished. On a page shared with the job's process: it outlives a crash.
class LastStep {
 public:
  LastStep() : page_(mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED) throw_system_error("map memory for", "the state of a job", errno);
  }
  ~LastStep() { munmap(page_, sizeof(Page)); }
  LastStep(const LastStep&) = delete;
  LastStep& operator=(const LastStep&) = delete;

  void set(const Progress& progress) {
    page().what[progress.what.copy(page().what, sizeof(Page::what) - 1)] = '\0';
    page().step = progress.report.step;
    page().total = progress.report.total;
  }
  /// " (fit strong, step 2 of 32)": the step that was under way, or "" outside of training.
  std::string text() const {
    const Page& last = page();
    if (last.total == 0 || last.step + 1 >= last.total) return "";
    return fmt::format(" ({}, step {} of {})", last.what, last.step + 1, last.total);
  }

 private:
  struct Page {
    char what[120];
    std::int64_t step, total;
  };
  Page& page() { return *static_cast<Page*>(page_); }
  const Page& page() const { return *static_cast<const Page*>(page_); }
  void* page_;
};

struct Child {
  std::size_t job = 0;
  pid_t pid = -1;
  Descriptor pipe;
  std::unique_ptr<LastStep> last_step;
  std::string buffer;
  nlohmann::json result;
  RunningJob state;
  Clock::time_point started;
};

std::string log_path(const Store& store, const Job& job) {
  return store.root() + "/logs/" + job.key.substr(0, 16) + ".log";
}

[[noreturn]] void child_main(int pipe, const Plan& plan, const Job& job, const Registry& registry,
                             const Store& parents_store, const PoolOptions& options, LastStep& last_step) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  const int log =
      ::open(log_path(parents_store, job).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log >= 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  at::set_num_threads(options.threads);
  nlohmann::json result;
  {
    RunnerOptions runner_options;
    runner_options.device = at::Device(options.device);
    runner_options.progress = [&last_step, send = progress_sender(pipe)](const Progress& progress) {
      last_step.set(progress);
      send(progress);
    };
    runner_options.log = [](const std::string& line) { fmt::print("{}\n", line); };
    fmt::print("{}\n", job.title());
    Store store(parents_store.root());  // an SQLite connection must not cross a fork
    JobRunner runner(plan, registry, store, runner_options);
    result = run_one(runner, job);
  }
  if (result.contains("error")) fmt::print("error: {}\n", result["error"].get<std::string>());
  std::fflush(nullptr);
  write_line(pipe, result);
  _exit(result.contains("error") ? 1 : 0);
}

std::string why_it_died(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    std::string reason = fmt::format("ended by signal {} ({})", signal, strsignal(signal));
    if (signal == SIGKILL) reason += "; the system may have run out of memory";
    return reason;
  }
  return fmt::format("ended with status {} and no result", WEXITSTATUS(status));
}

std::string last_lines(const std::string& path, std::size_t count) {
  std::ifstream in(path);
  std::deque<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
    if (lines.size() > count) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += "\n    " + line;
  return text;
}

class Pool {
 public:
  Pool(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options, Display& display)
      : plan_(plan),
        registry_(registry),
        store_(store),
        options_(options),
        display_(display),
        failed_(plan.jobs.size(), false),
        started_(plan.jobs.size(), false) {}

  Summary run() {
    for (const Job& job : plan_.jobs) summary_.found += job.done ? 1 : 0;
    display_.begin(plan_.jobs.size(), summary_.found);
    make_directories(store_.root() + "/logs");
    if (options_.isolate) {
      run_children();
    } else {
      run_here();
    }
    for (std::size_t i = 0; i < plan_.jobs.size(); ++i) {
      summary_.skipped += !plan_.jobs[i].done && !failed_[i] ? 1 : 0;
    }
    display_.finish();
    return summary_;
  }

 private:
  // The first job that can start now.
  std::optional<std::size_t> next_ready() const {
    for (std::size_t i = 0; i < plan_.jobs.size(); ++i) {
      if (plan_.jobs[i].done || started_[i]) continue;
      const auto& needs = plan_.jobs[i].needs;
      if (std::all_of(needs.begin(), needs.end(), [&](std::size_t n) { return plan_.jobs[n].done; }))
        return i;
    }
    return std::nullopt;
  }

  // A failure's message says at which step; what the engine itself finds does so already.
  static nlohmann::json placed(nlohmann::json result, const LastStep& last_step) {
    if (!result.contains("error")) return result;
    const std::string reason = result["error"].get<std::string>();
    if (reason.find(" step ") == std::string::npos) result["error"] = reason + last_step.text();
    return result;
  }

  std::string with_loss(const Job& job) const {
    for (const MethodSpec& method : plan_.experiments[job.experiment].methods) {
      if (job.kind != JobKind::student || method.name != job.method) continue;
      return ", with loss '" + (method.loss.empty() ? "cross_entropy" : method.loss.type) + "'";
    }
    return "";
  }

  void ended(std::size_t index, const nlohmann::json& result, Clock::time_point since) {
    Job& job = plan_.jobs[index];
    const double seconds = std::chrono::duration<double>(Clock::now() - since).count();
    ++summary_.ran;
    if (!result.contains("error")) {
      job.done = true;
      summary_.fits_computed += result.value("computed", 0);
      summary_.fits_found += result.value("fits", 0) - result.value("computed", 0);
      display_.ended(job.title(), true, seconds, result.value("summary", ""));
      return;
    }
    failed_[index] = true;
    const std::string reason = result["error"].get<std::string>();
    summary_.failures.push_back({job.title(), reason, log_path(store_, job)});
    display_.ended(job.title(), false, seconds, reason);
  }

  void run_here() {
    at::set_num_threads(options_.threads);
    RunningJob state;
    LastStep last_step;
    RunnerOptions runner_options;
    runner_options.device = at::Device(options_.device);
    runner_options.progress = [&](const Progress& progress) {
      state.what = progress.what;
      state.step = progress.report.step;
      state.total = progress.report.total;
      state.loss = progress.report.loss;
      state.per_second = progress.report.examples_per_second;
      last_step.set(progress);
      display_.show(state, 1);
    };
    runner_options.log = [&](const std::string& line) { display_.line(line); };
    JobRunner runner(plan_, registry_, store_, runner_options);
    while (const auto index = next_ready()) {
      started_[*index] = true;
      state = {};
      state.title = plan_.jobs[*index].title();
      last_step.set({});
      const auto since = Clock::now();
      ended(*index, placed(run_one(runner, plan_.jobs[*index]), last_step), since);
    }
  }

  void start(std::size_t index) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw_system_error("make a pipe for", plan_.jobs[index].title(), errno);
    std::fflush(nullptr);
    auto last_step = std::make_unique<LastStep>();
    const pid_t pid = fork();
    if (pid < 0) throw_system_error("start a process for", plan_.jobs[index].title(), errno);
    if (pid == 0) {
      ::close(ends[0]);
      child_main(ends[1], plan_, plan_.jobs[index], registry_, store_, options_, *last_step);
    }
    ::close(ends[1]);
    started_[index] = true;
    Child child;
    child.job = index;
    child.pid = pid;
    child.pipe = Descriptor(ends[0]);
    child.last_step = std::move(last_step);
    child.state.title = plan_.jobs[index].title();
    child.started = Clock::now();
    children_.push_back(std::move(child));
  }

  // True where the child has closed its end.
  bool read_from(Child& child) {
    char chunk[4096];
    const ssize_t n = ::read(child.pipe.get(), chunk, sizeof chunk);
    if (n < 0) return errno != EINTR;
    if (n == 0) return true;
    child.buffer.append(chunk, static_cast<std::size_t>(n));
    for (std::size_t end; (end = child.buffer.find('\n')) != std::string::npos;
         child.buffer.erase(0, end + 1)) {
      const nlohmann::json message = nlohmann::json::parse(child.buffer.substr(0, end), nullptr, false);
      if (message.is_discarded()) continue;
      if (message.value("ended", false)) {
        child.result = message;
        continue;
      }
      child.state.what = message.value("what", "");
      child.state.step = message.value("step", std::int64_t{0});
      child.state.total = message.value("total", std::int64_t{0});
      child.state.loss = message["loss"].is_number() ? message["loss"].get<double>() : 0.0;
      child.state.per_second = message.value("per_second", 0.0);
    }
    return false;
  }

  void reap(Child& child) {
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (summary_.interrupted && child.result.is_null()) return;
    if (child.result.is_null()) {
      const std::string tail = last_lines(log_path(store_, plan_.jobs[child.job]), 5);
      child.result = {{"error", why_it_died(status) + with_loss(plan_.jobs[child.job]) +
                                    child.last_step->text() +
                                    (tail.empty() ? "" : "; its log ends:" + tail)}};
    }
    ended(child.job, placed(child.result, *child.last_step), child.started);
  }

  void run_children() {
    const InterruptGuard guard;
    int handled = 0;
    while (true) {
      while (!summary_.interrupted && static_cast<int>(children_.size()) < options_.jobs) {
        const auto index = next_ready();
        if (!index) break;
        start(*index);
      }
      if (children_.empty()) return;
      std::vector<pollfd> polls;
      for (const Child& child : children_) polls.push_back({child.pipe.get(), POLLIN, 0});
      ::poll(polls.data(), polls.size(), 200);
      if (interrupts > handled) {
        handled = interrupts;
        summary_.interrupted = true;
        for (const Child& child : children_) kill(child.pid, handled > 1 ? SIGKILL : SIGTERM);
      }
      for (std::size_t i = children_.size(); i-- > 0;) {
        if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0 || !read_from(children_[i])) continue;
        reap(children_[i]);
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (!children_.empty()) display_.show(children_.front().state, children_.size());
    }
  }

  Plan& plan_;
  const Registry& registry_;
  Store& store_;
  PoolOptions options_;
  Display& display_;
  std::vector<bool> failed_, started_;
  std::vector<Child> children_;
  Summary summary_;
};

}  // namespace

Summary run_plan(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options,
                 Display& display) {
  return Pool(plan, registry, store, options, display).run();
}

}  // namespace w2s
