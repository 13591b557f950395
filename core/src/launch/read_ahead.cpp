#include "launch/read_ahead.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "engine/threads.hpp"
#include "launch/process_group.hpp"
#include "launch/signals.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kJobs = 3;
constexpr std::int64_t kShareOfMemory = 4;

std::int64_t free_bytes() {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("MemAvailable:")) return 1024 * std::stoll(line.substr(13));
  }
  return 0;
}

// The data with the digests that every key needs: they are kept with it.
TaskData read(const Experiment& experiment, const Registry& registry) {
  TaskData data = registry.make_task(experiment.task)->load();
  for (const Examples* examples : {&data.train, &data.test, &data.unlabelled}) examples->input_digest();
  for (const auto& [name, examples] : data.shifted) examples.input_digest();
  return data;
}

[[noreturn]] void try_to_read(const Experiment& experiment, const Registry& registry, pid_t parent) {
  setpgid(0, 0);
  signals::end_the_process();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, fd);
  try {
    read(experiment, registry);
    _exit(0);
  } catch (...) {
    _exit(1);
  }
}

// Bytes that reading took; 0 where it did not come to a good end.
std::int64_t cost_of_reading(const Experiment& experiment, const Registry& registry, double timeout,
                             const std::function<bool()>& give_up) {
  const std::int64_t before = allocated_bytes(getpgrp());
  std::fflush(nullptr);
  const pid_t parent = getpid(), pid = fork();
  if (pid < 0) return 0;
  if (pid == 0) try_to_read(experiment, registry, parent);
  setpgid(pid, pid);
  const auto begun = Clock::now();
  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, WNOHANG, &usage) == 0) {
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    if (give_up() || (timeout > 0 && seconds > timeout)) ::kill(-pid, SIGKILL);
    ::poll(nullptr, 0, 10);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 0;
  return std::max<std::int64_t>(1, usage.ru_maxrss * 1024 - before);
}

}  // namespace

TasksRead read_ahead(const Plan& plan, const Registry& registry, double timeout,
                     const std::function<bool()>& give_up) {
  std::map<std::string, std::pair<int, std::size_t>> wanted;  // by protocol: open jobs, their experiment
  for (const Job& job : plan.jobs) {
    auto& [jobs, experiment] = wanted[plan.protocols[job.experiment]];
    if (!job.done) ++jobs;
    experiment = job.experiment;
  }
  TasksRead tasks;
  std::int64_t left = free_bytes() / kShareOfMemory;
  for (const auto& [protocol, need] : wanted) {
    if (need.first < kJobs || give_up()) continue;
    const Experiment& experiment = plan.experiments[need.second];
    const std::int64_t cost = cost_of_reading(experiment, registry, timeout, give_up);
    if (cost == 0 || cost > left) continue;
    left -= cost;
    set_threads(1);  // threads of this process would be missing in those that are forked from it
    tasks[protocol] = read(experiment, registry);
  }
  return tasks;
}

}  // namespace w2s
