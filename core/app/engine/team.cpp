#include "team.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ATen/Context.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <w2s/digest.hpp>

#include "base/amounts.hpp"
#include "base/files.hpp"
#include "base/run_program.hpp"
#include "launch/signals.hpp"

namespace w2s::app {
namespace {

using Clock = std::chrono::steady_clock;

// Processes that lost one of theirs end by themselves, after they have told so; then they are made to. Sooner
// where the leader has failed: it tells for all, and saves.
constexpr std::chrono::seconds kToldBy{30}, kSavedBy{40}, kLedBy{5};

// In the environment of processes that run_processes started: the id of the process that did.
const char* const kStarter = "W2S_TEAM_STARTER";

bool was_started_here() {
  const char* starter = std::getenv(kStarter);
  return starter != nullptr && starter == std::to_string(::getppid());
}

// A port of this host that nobody listens at.
int free_port() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (!probe.valid() || ::bind(probe.get(), where, size) != 0 ||
      ::getsockname(probe.get(), where, &size) != 0)
    throw_system_error("find a free port at", "127.0.0.1", errno);
  return ntohs(address.sin_port);
}

// A process group of its own: Ctrl-C reaches the starter alone, which passes it on once.
pid_t start(std::vector<std::string> words, int rank, int size, int port) {
  const std::vector<char*> argv = pointers(words);
  std::fflush(nullptr);
  const pid_t parent = ::getpid(), process = ::fork();
  if (process < 0) throw_system_error("start", "a process of the team", errno);
  if (process > 0) return process;
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  const auto set = [](const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); };
  set("RANK", std::to_string(rank));
  set("LOCAL_RANK", std::to_string(rank));
  set("WORLD_SIZE", std::to_string(size));
  set("MASTER_ADDR", "127.0.0.1");
  set("MASTER_PORT", std::to_string(port));
  set(kStarter, std::to_string(parent));
  ::execv("/proc/self/exe", argv.data());
  fmt::print(stderr, "error: cannot start w2s-engine: {}\n", std::strerror(errno));
  ::_exit(1);
}

struct Started {
  pid_t process = -1;
  bool running = true;
  int status = 0;  // as a shell has it
};

// Notes which have ended; false where all still run.
bool look(std::vector<Started>& team) {
  bool any = false;
  for (std::size_t rank = 0; rank < team.size(); ++rank) {
    Started& one = team[rank];
    int status = 0;
    if (!one.running || ::waitpid(one.process, &status, WNOHANG) != one.process) continue;
    any = true;
    one.running = false;
    one.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (WIFSIGNALED(status)) {
      fmt::print(stderr, "rank {} ended by signal {} ({})\n", rank, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    }
  }
  return any;
}

void send(const std::vector<Started>& team, int signal) {
  for (const Started& one : team) {
    if (one.running) ::kill(one.process, signal);
  }
}

void check_options(const Options& options, const RunOptions& how) {
  for (const char* name : {"jobs", "devices", "job-timeout", "memory"}) {
    if (options.given(name)) {
      throw UsageError(
          fmt::format("--{} deals out processes of one job each: it does not go with a team, whose "
                      "processes carry out one job after another together",
                      name));
    }
  }
  if (how.launcher != Launcher::local) {
    throw UsageError(std::string("--launcher ") + name_of(how.launcher) +
                     " submits jobs: it does not go with a team; --no-team leaves the team aside");
  }
}

// Processes of one host use its GPUs in turn.
std::string device_of(const std::string& device, const TeamPlace& place) {
  if (device != "cuda") return device;
  const auto count = std::max<std::int64_t>(1, static_cast<std::int64_t>(at::getNumGPUs()));
  return "cuda:" + std::to_string(place.local_rank % count);
}

}  // namespace

bool starts_processes(const RunOptions& how) {
  if (!how.processes || was_started_here()) return false;
  if (how.no_team) throw UsageError("--processes starts a team: it does not go with --no-team");
  if (const auto place = team_place()) {
    throw UsageError(place->launcher + " has started " + std::to_string(place->size) +
                     " processes already: --processes does not go with it");
  }
  return *how.processes > 1;
}

int run_processes(const Options& options, const RunOptions& how, const Args& args) {
  check_options(options, how);
  const int size = static_cast<int>(*how.processes), port = free_port();
  std::vector<std::string> words{"w2s-engine", "run"};
  words.insert(words.end(), args.begin(), args.end());
  const signals::Counted counted;
  std::vector<Started> team;
  for (int rank = 0; rank < size; ++rank) team.push_back({start(words, rank, size, port)});
  const auto running = [&] {
    return std::any_of(team.begin(), team.end(), [](auto& one) { return one.running; });
  };
  std::optional<Clock::time_point> first_end;
  int handled = 0, asked = 0;
  while (running()) {
    if (look(team) && !first_end) first_end = Clock::now();
    if (signals::seen() > handled) {
      handled = signals::seen();
      send(team, handled > 1 ? SIGKILL : SIGTERM);
    }
    const auto since = first_end ? Clock::now() - *first_end : Clock::duration::zero();
    const bool leader_failed = !team[0].running && team[0].status > 0 && team[0].status < 128;
    if (since > kLedBy && leader_failed && asked < 2) {
      asked = 2;
      send(team, SIGKILL);
    }
    if (since > kToldBy && asked == 0) {
      asked = 1;
      send(team, SIGTERM);
    }
    if (since > kSavedBy && asked == 1) {
      asked = 2;
      send(team, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (handled > 0) return 130;
  for (const Started& one : team) {
    if (one.status != 0) return one.status < 128 ? one.status : 1;
  }
  return 0;
}

std::unique_ptr<Team> join_team(const Options& options, const RunOptions& how, PoolOptions& pool) {
  const double seconds = parse_duration("--team-timeout", how.team_timeout);
  if (how.no_team) return nullptr;
  const auto place = team_place();
  if (!place) return nullptr;
  check_options(options, how);
  pool.isolate = false;
  pool.jobs = 1;
  pool.devices = {device_of(pool.devices[0], *place)};
  auto team = std::make_unique<Team>(*place, at::Device(pool.devices[0]), seconds);
  pool.team = team.get();
  if (!was_started_here()) {
    pool.command = [alone = pool.command, place = *place](const Job& job) {
      return fmt::format("{}  # in {} processes of {}, as before", alone(job), place.size, place.launcher);
    };
  }
  if (!team->leads()) spdlog::set_level(spdlog::level::off);
  return team;
}

int run_in_team(Team& team, const std::function<int()>& body) {
  try {
    const int status = body();
    if (!team.lost()) team.barrier();
    return status;
  } catch (const Error& error) {
    const bool usage = dynamic_cast<const UsageError*>(&error) != nullptr;
    const std::string message = team.failed(error.what());
    if (!team.leads() && team.leader_reports()) return usage ? 2 : 1;
    if (usage) throw UsageError(message);
    throw Error(message);
  }
}

void follow_leader(Plan& plan, Team& team) {
  Digest sha;
  std::string done;
  for (const Job& job : plan.jobs) {
    sha.add(job.key);
    done += job.done ? '1' : '0';
  }
  const std::string own = sha.hex(), said = team.broadcast(own + done);
  if (said.substr(0, own.size()) != own || said.size() != own.size() + done.size()) {
    throw UsageError(
        "the processes of this team have different plans: all must run the same w2s, with the same plugins, "
        "experiment file, options and data");
  }
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) plan.jobs[i].done = said[own.size() + i] == '1';
}

}  // namespace w2s::app
