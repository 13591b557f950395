#include "launch/pool.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <fstream>
#include <map>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "base/amounts.hpp"
#include "base/clock.hpp"
#include "engine/threads.hpp"
#include "launch/job_group.hpp"
#include "launch/process_group.hpp"
#include "launch/signals.hpp"
#include "status/activity.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

// The last lines of a job's log without its title and its error, which are told apart.
std::vector<std::string> last_lines(const std::string& path, const std::string& title, std::size_t count) {
  std::ifstream in(path);
  std::deque<std::string> lines;
  bool error = false;  // a message may have several lines
  for (std::string line; std::getline(in, line);) {
    error = line.starts_with("error: ") || (error && line != title);
    if (line == title || error || line.empty()) continue;
    lines.push_back(line);
    if (lines.size() > count) lines.pop_front();
  }
  return {lines.begin(), lines.end()};
}

// A job under way, and why it was ended.
struct Child {
  JobProcess process;
  std::string ended_for;                          // "" where nobody ended it
  std::optional<Clock::time_point> asked_to_end;  // by its time limit
};

class Pool {
 public:
  Pool(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options, Display& display)
      : plan_(plan),
        registry_(registry),
        store_(store),
        options_(options),
        display_(display),
        failed_(plan.jobs.size(), false),
        started_(plan.jobs.size(), false),
        alone_(plan.jobs.size(), false),
        computed_(plan.jobs.size(), 0),
        attempts_(plan.jobs.size(), 0) {
    if (store.leads()) activity_.emplace(store.root());
  }

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
  bool stopping() const {
    return summary_.interrupted || (options_.fail_fast && !summary_.failures.empty()) ||
           (options_.team != nullptr && options_.team->lost());
  }

  bool ready(std::size_t job) const {
    if (plan_.jobs[job].done || started_[job]) return false;
    const auto& needs = plan_.jobs[job].needs;
    return std::all_of(needs.begin(), needs.end(), [&](std::size_t n) { return plan_.jobs[n].done; });
  }

  // The first job that can start now.
  std::optional<std::size_t> next_ready() const {
    if (stopping()) return std::nullopt;
    for (std::size_t i = 0; i < plan_.jobs.size(); ++i) {
      if (ready(i)) return i;
    }
    return std::nullopt;
  }

  bool for_group(std::size_t job) {
    if (options_.group < 2 || alone_[job] || options_.devices[0] != "cpu") return false;
    const Job& j = plan_.jobs[job];
    const auto [known, fresh] =
        probes_.try_emplace(std::tuple(j.experiment, j.kind, j.weak, j.strong, j.method), false);
    if (fresh) known->second = fits_probes(plan_, j);
    return known->second;
  }

  // The job and, where it is one for a group, its share of all that can start now.
  std::vector<std::size_t> with_group(std::size_t job) {
    if (!for_group(job)) return {job};
    std::vector<std::size_t> group;
    for (std::size_t i = job; i < plan_.jobs.size(); ++i) {
      if (ready(i) && for_group(i)) group.push_back(i);
    }
    const auto free = static_cast<std::size_t>(options_.jobs) - children_.size();
    const std::size_t share = (group.size() + free - 1) / free;
    group.resize(std::min(share, static_cast<std::size_t>(options_.group)));
    return group;
  }

  std::string with_loss(const Job& job) const {
    for (const MethodSpec& method : plan_.experiments[job.experiment].methods) {
      if (job.kind != JobKind::student || method.name != job.method) continue;
      return ", with loss '" + (method.loss.empty() ? "cross_entropy" : method.loss.type) + "'";
    }
    return "";
  }

  std::string reason(const JobEnd& end, const Job& job, const std::string& ended_for) const {
    if (!ended_for.empty()) return ended_for + with_loss(job) + end.step;
    if (end.died) return end.error + with_loss(job) + end.step;
    // What the engine itself finds says at which step.
    return end.error + (end.error.find(" step ") == std::string::npos ? end.step : "");
  }

  void succeeded(std::size_t index, const JobEnd& end, double seconds) {
    Job& job = plan_.jobs[index];
    ++summary_.ran;
    job.done = true;
    const std::int64_t computed = end.computed + computed_[index];
    summary_.fits_computed += computed;
    summary_.fits_found += end.fits - computed;
    if (activity_) activity_->succeeded(job.key);
    display_.ended(job.title(), true, seconds, end.summary);
  }

  void failed(std::size_t index, const std::string& reason, double seconds) {
    const Job& job = plan_.jobs[index];
    if (attempts_[index] <= options_.retries && !stopping()) {
      started_[index] = false;
      display_.line(fmt::format("{}: {}; trying again ({} of {})", job.title(), reason, attempts_[index],
                                options_.retries));
      return;
    }
    ++summary_.ran;
    failed_[index] = true;
    const std::string log = log_path(store_.root(), job);
    const std::string command = options_.command ? options_.command(job) : "";
    if (activity_) activity_->failed(job.key, {job.title(), reason, log, command, std::time(nullptr)});
    const auto lines = options_.isolate ? last_lines(log, job.title(), 5) : std::vector<std::string>{};
    summary_.failures.push_back({index, job.title(), reason, log, lines, command, attempts_[index]});
    display_.ended(job.title(), false, seconds, reason);
  }

  void run_here() {
    set_threads(options_.job.threads);
    signals::serve_job();
    RunningJob state;
    LastStep last_step;
    std::size_t index = 0;
    const std::string device = options_.devices[0];
    RunnerOptions runner_options = w2s::runner_options(options_.job, device);
    runner_options.progress = [&](const Progress& progress) {
      state.progress = progress;
      last_step.set(progress);
      display_.show(state, 1);
      show_activity([&] { return std::vector{active(state, plan_.jobs[index], device, since_)}; });
    };
    runner_options.log = [&](const std::string& line) { display_.line(line); };
    runner_options.team = options_.team;
    JobRunner runner(plan_, registry_, store_, runner_options);
    while (const auto next = next_ready()) {
      index = *next;
      started_[index] = true;
      ++attempts_[index];
      state = {};
      state.title = plan_.jobs[index].title();
      last_step.set({});
      since_ = std::time(nullptr);
      const auto begun = Clock::now();
      JobEnd end = options_.team != nullptr ? run_job_together(*options_.team, runner, plan_.jobs[index])
                                            : run_job(runner, plan_.jobs[index]);
      end.step = last_step.text();
      if (end.interrupted) {
        summary_.interrupted = true;
      } else if (end.error.empty()) {
        succeeded(index, end, seconds_since(begun));
      } else {
        failed(index, reason(end, plan_.jobs[index], ""), seconds_since(begun));
      }
    }
  }

  static ActiveJob active(const RunningJob& state, const Job& job, const std::string& device,
                          std::int64_t since) {
    ActiveJob shown;
    shown.key = job.key;
    shown.title = state.title;
    shown.device = device;
    shown.progress = state.progress;
    shown.since = since;
    return shown;
  }

  // At most once a second.
  template <class Jobs>
  void show_activity(Jobs&& jobs) {
    if (!activity_ || (shown_ && seconds_since(*shown_) < 1)) return;
    shown_ = Clock::now();
    activity_->show(jobs());
  }

  std::vector<ActiveJob> active_children() const {
    std::vector<ActiveJob> jobs;
    for (const Child& child : children_) {
      const auto since = std::time(nullptr) - static_cast<std::int64_t>(child.process.seconds());
      for (const std::size_t index : child.process.jobs()) {
        const Job& job = plan_.jobs[index];
        jobs.push_back(active(child.process.state(), job, child.process.device(), since));
        jobs.back().title = job.title();
        jobs.back().log = log_path(store_.root(), job);
      }
    }
    return jobs;
  }

  const std::string& idlest_device() const {
    const auto load = [&](const std::string& device) {
      return std::count_if(children_.begin(), children_.end(),
                           [&](const Child& child) { return child.process.device() == device; });
    };
    return *std::min_element(options_.devices.begin(), options_.devices.end(),
                             [&](const auto& a, const auto& b) { return load(a) < load(b); });
  }

  void start(std::size_t job) {
    const std::vector<std::size_t> jobs = with_group(job);
    for (const std::size_t index : jobs) started_[index] = true;
    const bool first = jobs.size() > 1 || attempts_[job] == 0;
    for (const std::size_t index : jobs) ++attempts_[index];
    children_.push_back(
        {JobProcess(plan_, jobs, idlest_device(), registry_, store_, options_.job, first), "", std::nullopt});
  }

  // To be run again, by itself; what happened in its group is not counted.
  void leave_group(std::size_t index) {
    alone_[index] = true;
    started_[index] = false;
    --attempts_[index];
  }

  void job_ended(const Child& child, std::size_t index, const JobEnd& end) {
    const bool group = child.process.is_group();
    const double seconds = group ? end.seconds : child.process.seconds();
    if (end.alone) {
      computed_[index] = end.computed;
      return leave_group(index);
    }
    if (end.error.empty()) return succeeded(index, end, seconds);
    if (stopping() && child.ended_for.empty() && (end.interrupted || end.died)) return;  // by our own signal
    if (group && (end.died || end.interrupted)) return leave_group(index);
    if (group) alone_[index] = true;
    failed(index, reason(end, plan_.jobs[index], child.ended_for), seconds);
  }

  void ended(Child& child) {
    const std::vector<std::size_t> left = child.process.jobs();
    const JobEnd end = child.process.wait();
    if (left.empty()) return;
    if (child.process.is_group() && !stopping()) {
      display_.line(fmt::format("a group of jobs {}: those that it has not done, {}, are run one by one",
                                child.ended_for.empty() ? end.error : child.ended_for, left.size()));
    }
    for (const std::size_t index : left) job_ended(child, index, end);
  }

  // Where training can save itself it gets the chance to, but not for long.
  void check_time(Child& child) const {
    if (options_.timeout <= 0 || child.process.turn_seconds() < options_.timeout) return;
    if (!child.asked_to_end) {
      child.asked_to_end = Clock::now();
      child.ended_for = "ended after " + duration_text(options_.timeout) + " (--job-timeout)";
      child.process.ask_to_end();
    } else if (seconds_since(*child.asked_to_end) > std::clamp(options_.timeout, 1.0, 10.0)) {
      child.process.kill();
    }
  }

  void check_memory(Child& child) const {
    if (options_.memory <= 0 || !child.ended_for.empty()) return;
    const std::int64_t bytes = allocated_bytes(child.process.group());
    if (bytes <= options_.memory) return;
    child.ended_for =
        fmt::format("ended at {} of memory (--memory {})", size_text(bytes), size_text(options_.memory));
    child.process.kill();
  }

  void end_children(int times) {
    for (Child& child : children_) times > 1 ? child.process.kill() : child.process.ask_to_end();
  }

  void run_children() {
    const signals::Counted counted;
    tasks_ = read_ahead(plan_, registry_, options_.timeout, [] { return signals::seen() > 0; });
    options_.job.runner.tasks = &tasks_;
    options_.job.fail_fast = options_.fail_fast;
    int handled = 0;
    bool told = false;  // that the first failure ends all
    while (true) {
      while (static_cast<int>(children_.size()) < options_.jobs && signals::seen() == handled) {
        const auto index = next_ready();
        if (!index) break;
        start(*index);
      }
      if (children_.empty() && signals::seen() == handled) return;
      std::vector<pollfd> polls;
      for (const Child& child : children_) polls.push_back({child.process.descriptor(), POLLIN, 0});
      ::poll(polls.data(), polls.size(), options_.memory > 0 ? 50 : 200);
      if (signals::seen() > handled) {
        handled = signals::seen();
        summary_.interrupted = true;
        end_children(handled);
        if (handled == 1) display_.line("ending: training saves itself; a second Ctrl-C ends it at once");
      }
      if (stopping() && !summary_.interrupted && !told) {
        told = true;
        end_children(1);
      }
      for (std::size_t i = children_.size(); i-- > 0;) {
        Child& child = children_[i];
        const bool exited = child.process.exited();
        const bool closed = child.process.read();
        for (const auto& [job, end] : child.process.take_ended()) job_ended(child, job, end);
        if (!closed && !exited) {
          check_time(child);
          check_memory(child);
          continue;
        }
        ended(child);
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (!children_.empty()) display_.show(children_.front().process.state(), children_.size());
      show_activity([&] { return active_children(); });
    }
  }

  Plan& plan_;
  const Registry& registry_;
  Store& store_;
  PoolOptions options_;
  Display& display_;
  std::optional<Activity> activity_;  // nothing where another process leads
  TasksRead tasks_;
  std::optional<Clock::time_point> shown_;
  std::int64_t since_ = 0;
  std::vector<bool> failed_, started_, alone_;  // alone_: not in a group
  std::vector<std::int64_t> computed_;          // fits that a group computed before the job left it
  std::map<std::tuple<std::size_t, JobKind, std::string, std::string, std::string>, bool> probes_;
  std::vector<int> attempts_;
  std::vector<Child> children_;
  Summary summary_;
};

}  // namespace

Summary run_plan(Plan& plan, const Registry& registry, Store& store, const PoolOptions& options,
                 Display& display) {
  return Pool(plan, registry, store, options, display).run();
}

}  // namespace w2s
