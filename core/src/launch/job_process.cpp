#include "launch/job_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "engine/threads.hpp"
#include "lab/probe_queue.hpp"
#include "launch/job_group.hpp"
#include "launch/signals.hpp"
#include "plugins/torch_message.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

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

// Passes progress on, at most once in `seconds` as long as it is progress of the same thing.
std::function<void(const Progress&)> seldom(double seconds, std::function<void(const Progress&)> tell) {
  auto last = std::make_shared<Clock::time_point>();
  auto last_what = std::make_shared<std::string>();
  return [=](const Progress& progress) {
    if (progress.what == *last_what && seconds_since(*last) < seconds) return;
    *last = Clock::now();
    *last_what = progress.what;
    tell(progress);
  };
}

void print_progress(const Progress& progress) {
  fmt::print("{}\n", progress.text());
  std::fflush(stdout);
}

void open_log(const std::string& path, bool first) {
  const int log =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (first ? O_TRUNC : 0), 0644);
  if (log >= 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
}

nlohmann::json message_of(std::size_t job, const JobEnd& end) {
  return {{"ended", true},
          {"job", job},
          {"interrupted", end.interrupted},
          {"error", end.error},
          {"fits", end.fits},
          {"step", end.step},
          {"alone", end.alone},
          {"computed", end.computed},
          {"summary", end.summary},
          {"seconds", end.seconds}};
}

[[noreturn]] void child_main(int pipe, const Plan& plan, std::vector<std::size_t> jobs,
                             const std::string& device, const Registry& registry,
                             const std::string& store_root, const JobSettings& settings, LastStep& last_step,
                             bool first) {
  set_threads(settings.threads);
  RunnerOptions options = runner_options(settings, device);
  options.progress = [&last_step, send = seldom(0.1, [pipe](const Progress& p) { write_line(pipe, p); }),
                      print = seldom(1, print_progress),
                      verbose = settings.verbose](const Progress& progress) {
    last_step.set(progress);
    send(progress);
    if (verbose) print(progress);
  };
  options.log = [](const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  };
  std::vector<std::size_t> open = jobs;
  std::optional<std::size_t> logged;  // the job whose log is open
  bool sound = true;
  GroupWatch watch;
  const auto turn = [&] { write_line(pipe, {{"turn", true}}); };
  watch.begins = [&](std::size_t job) {
    std::fflush(nullptr);
    open_log(log_path(store_root, plan.jobs[job]), first);
    logged = job;
    fmt::print("{}\n", plan.jobs[job].title());
    std::fflush(stdout);
    turn();
  };
  watch.trains = turn;
  watch.ended = [&](std::size_t job, const JobEnd& end) {
    std::erase(open, job);
    sound = sound && end.error.empty();
    if (!end.error.empty()) {
      if (logged != job) watch.begins(job);
      fmt::print("error: {}\n", end.error);
    }
    std::fflush(nullptr);
    write_line(pipe, message_of(job, end));
  };
  watch.begins(jobs[0]);
  try {
    Store store(store_root);  // an SQLite connection must not cross a fork
    if (jobs.size() == 1) {
      JobRunner runner(plan, registry, store, options);
      watch.ended(jobs[0], run_job(runner, plan.jobs[jobs[0]]));
    } else {
      run_group(plan, jobs, registry, store, options, settings.fail_fast, watch);
    }
  } catch (const std::exception& error) {
    JobEnd failed;
    failed.error = error.what();
    for (const std::size_t job : std::vector(open)) watch.ended(job, failed);
  }
  _exit(sound ? 0 : 1);
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

}  // namespace

// ---- the last step

struct LastStep::Page {
  char what[120];
  std::int64_t step, steps;
};

LastStep::LastStep() {
  void* page = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw_system_error("map memory for", "the state of a job", errno);
  page_ = static_cast<Page*>(page);
}

LastStep::~LastStep() { munmap(page_, sizeof(Page)); }

void LastStep::set(const Progress& progress) {
  page_->what[progress.what.copy(page_->what, sizeof(Page::what) - 1)] = '\0';
  page_->step = progress.step;
  page_->steps = progress.steps;
}

std::string LastStep::text() const {
  if (page_->steps == 0 || page_->step + 1 >= page_->steps) return "";
  return fmt::format(" ({}, step {} of {})", page_->what, page_->step + 1, page_->steps);
}

// ---- running

JobEnd run_job(JobRunner& runner, const Job& job) {
  JobEnd end;
  try {
    const JobOutcome outcome = runner.run(job);
    end.fits = outcome.fits;
    end.computed = outcome.computed;
    end.summary = outcome.summary;
    end.seconds = outcome.queued_seconds;
  } catch (const Postponed&) {
    end.postponed = true;
  } catch (const LeavesGroup& leaves) {
    end.alone = true;
    end.computed = leaves.computed;
  } catch (const Interrupted& stopped) {
    end.interrupted = true;
    end.error = stopped.what();
  } catch (const std::bad_alloc&) {
    end.error = "out of memory";
  } catch (const std::exception& error) {
    end.error = message_of(error);
  }
  return end;
}

JobEnd run_job_together(Team& team, JobRunner& runner, const Job& job) {
  JobEnd end = run_job(runner, job);
  if (end.interrupted) return end;
  if (end.error.empty()) {
    try {
      team.barrier();
      return end;
    } catch (const TeamLost& lost) {
      end.error = lost.what();
    }
  }
  end.error = team.failed(end.error);
  return end;
}

RunnerOptions runner_options(const JobSettings& settings, const std::string& device) {
  RunnerOptions options = settings.runner;
  options.device = at::Device(device);
  options.checkpoints.asked_to_end = signals::asked_to_end;
  options.checkpoints.can_save = signals::can_save;
  return options;
}

std::string log_path(const std::string& store_root, const Job& job) {
  return store_root + "/logs/" + job.key.substr(0, 16) + ".log";
}

// ---- the process

JobProcess::JobProcess(const Plan& plan, std::vector<std::size_t> jobs, const std::string& device,
                       const Registry& registry, const Store& store, const JobSettings& settings, bool first)
    : jobs_(std::move(jobs)),
      group_(jobs_.size() > 1),
      device_(device),
      last_step_(std::make_unique<LastStep>()),
      started_(Clock::now()),
      turned_(started_) {
  const std::string title = group_ ? fmt::format("{} jobs", jobs_.size()) : plan.jobs[jobs_[0]].title();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_system_error("make a pipe for", title, errno);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  pipe_ = Descriptor(ends[0]);
  std::fflush(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) {
    const int code = errno;
    ::close(ends[1]);
    throw_system_error("start a process for", title, code);
  }
  if (pid_ == 0) {
    setpgid(0, 0);
    signals::serve_job();
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);  // it died before we asked to be told
    ::close(ends[0]);
    child_main(ends[1], plan, jobs_, device, registry, store.root(), settings, *last_step_, first);
  }
  setpgid(pid_, pid_);  // whoever of the two comes first
  ::close(ends[1]);
  state_.title = title;
}

JobProcess::~JobProcess() {
  if (pid_ <= 0) return;
  kill();
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

JobProcess::JobProcess(JobProcess&& other) noexcept { *this = std::move(other); }

JobProcess& JobProcess::operator=(JobProcess&& other) noexcept {
  std::swap(jobs_, other.jobs_);
  std::swap(group_, other.group_);
  std::swap(device_, other.device_);
  std::swap(pid_, other.pid_);
  std::swap(pipe_, other.pipe_);
  std::swap(last_step_, other.last_step_);
  std::swap(buffer_, other.buffer_);
  std::swap(ended_, other.ended_);
  std::swap(state_, other.state_);
  std::swap(started_, other.started_);
  std::swap(turned_, other.turned_);
  return *this;
}

double JobProcess::seconds() const { return seconds_since(started_); }

double JobProcess::turn_seconds() const { return seconds_since(turned_); }

bool JobProcess::read() {
  char chunk[4096];
  ssize_t n = 0;
  while ((n = ::read(pipe_.get(), chunk, sizeof chunk)) > 0)
    buffer_.append(chunk, static_cast<std::size_t>(n));
  const bool closed = n == 0 || (errno != EINTR && errno != EAGAIN);
  for (std::size_t end; (end = buffer_.find('\n')) != std::string::npos; buffer_.erase(0, end + 1)) {
    const nlohmann::json message = nlohmann::json::parse(buffer_.substr(0, end), nullptr, false);
    if (message.is_discarded()) continue;
    if (message.value("turn", false)) {
      if (group_) turned_ = Clock::now();
      continue;
    }
    if (message.value("ended", false)) {
      JobEnd end;
      end.interrupted = message.at("interrupted");
      end.error = message.at("error");
      end.fits = message.at("fits");
      end.computed = message.at("computed");
      end.summary = message.at("summary");
      end.alone = message.at("alone");
      end.seconds = message.at("seconds");
      end.step = group_ ? message.at("step").get<std::string>() : last_step_->text();
      const std::size_t job = message.at("job");
      std::erase(jobs_, job);
      ended_.emplace_back(job, std::move(end));
      continue;
    }
    message.get_to(state_.progress);
  }
  return closed;
}

bool JobProcess::exited() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

JobEnd JobProcess::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-pid_, SIGKILL);  // what it has started and left behind
  pid_ = -1;
  JobEnd end;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  end.interrupted = code == 128 + SIGTERM || code == 128 + SIGINT;
  end.died = true;
  end.error = why_it_died(status);
  end.step = last_step_->text();
  return end;
}

void JobProcess::ask_to_end() {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
}

void JobProcess::kill() {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

}  // namespace w2s
