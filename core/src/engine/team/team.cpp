#include "engine/team/team.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "base/amounts.hpp"
#include "plugins/torch_message.hpp"

#ifdef W2S_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#ifdef W2S_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace w2s {

#ifdef W2S_GLOO
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Rendezvous = c10::intrusive_ptr<c10d::Store>;

// How long a process that failed waits for word of the others.
constexpr milliseconds kGrace{15000}, kPoll{20};
// A message up to this long takes one exchange.
constexpr std::int64_t kShortMessage = 248;

std::string host_name() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return host;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "localhost" || address == "::1";
}

// False also for a process that has ended and whom its parent has not asked yet.
bool runs(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  if (!std::getline(file, line)) return ::kill(process, 0) == 0;
  const std::size_t end = line.rfind(')');
  return end == std::string::npos || end + 2 >= line.size() || (line[end + 2] != 'Z' && line[end + 2] != 'X');
}

// A process of the team, as it introduced itself: "PID HOST".
struct Member {
  pid_t process = 0;
  std::string host;
};

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// Later versions of LibTorch would use libuv, which a build of LibTorch may lack.
template <class Options>
void without_libuv(Options& options) {
  if constexpr (requires { options.useLibUV; }) options.useLibUV = false;
}

using AllReduce = std::function<void(const Tensor&)>;

template <class Group>
AllReduce all_reduce(c10::intrusive_ptr<Group> group) {
  return [group](const Tensor& tensor) {
    std::vector<Tensor> tensors{tensor};
    group->allreduce(tensors)->wait();
  };
}

AllReduce gloo(const Rendezvous& store, const TeamPlace& place, milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(
      interface != nullptr         ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
      : is_loopback(place.address) ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                   : c10d::ProcessGroupGloo::createDefaultDevice());
  return all_reduce(c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(place.rank),
                                                                static_cast<int>(place.size), options));
}

#ifdef W2S_NCCL
AllReduce nccl(const Rendezvous& store, const TeamPlace& place, milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return all_reduce(c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(place.rank),
                                                                static_cast<int>(place.size), options));
}
#endif

}  // namespace

struct Team::Impl {
  Impl(const TeamPlace& place_, at::Device device_, milliseconds timeout_)
      : place(place_), device(device_), timeout(timeout_) {}

  TeamPlace place;
  at::Device device;
  milliseconds timeout;
  Rendezvous store;
  std::vector<Member> members;
  AllReduce reduce;
  std::int64_t generation = 0, bytes = 0;
  std::string broken;  // why the exchange failed
  bool lost = false, leader_reports = false;

  std::string name(std::int64_t rank) const {
    const Member& member = members[static_cast<std::size_t>(rank)];
    return fmt::format("rank {} (process {} on {})", rank, member.process, member.host);
  }

  Rendezvous part(const std::string& name) const {
    return c10::make_intrusive<c10d::PrefixStore>(name, store);
  }
  std::string mark(std::int64_t rank) const { return fmt::format("end {}/{}", generation, rank); }

  std::vector<std::int64_t> all() const {
    std::vector<std::int64_t> ranks(static_cast<std::size_t>(place.size));
    std::iota(ranks.begin(), ranks.end(), 0);
    return ranks;
  }

  // Those of these ranks whose key is not there in time.
  template <class Key, class GiveUp>
  std::vector<std::int64_t> missing(std::vector<std::int64_t> open, Key&& key, milliseconds limit,
                                    GiveUp&& gone) {
    const auto end = Clock::now() + limit;
    while (true) {
      const bool last = Clock::now() > end || std::all_of(open.begin(), open.end(), gone);
      std::erase_if(open, [&](std::int64_t rank) { return store->check({key(rank)}); });
      if (open.empty() || last) return open;
      std::this_thread::sleep_for(kPoll);
    }
  }

  void join() {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(place.port);
    options.isServer = place.rank == 0 && !place.served;
    options.waitWorkers = false;
    options.timeout = timeout;
    without_libuv(options);
    try {
      store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
    } catch (const std::exception& error) {
      throw Error(fmt::format("rank {} of {} cannot {} {}:{}: {}", place.rank, place.size,
                              options.isServer ? "listen at" : "reach rank 0 at", place.address, place.port,
                              message_of(error)));
    }
    store = part("w2s " + place.attempt);
    const auto key = [](std::int64_t rank) { return fmt::format("here/{}", rank); };
    store->set(key(place.rank), bytes_of(fmt::format("{} {}", ::getpid(), host_name())));
    const auto absent = missing(all(), key, timeout, [](std::int64_t) { return false; });
    if (!absent.empty()) {
      std::string ranks;
      for (const std::int64_t rank : absent) ranks += (ranks.empty() ? "" : ", ") + std::to_string(rank);
      throw Error(fmt::format("of a team of {} processes these ranks did not come within {} s: {}",
                              place.size, timeout.count() / 1000, ranks));
    }
    for (std::int64_t rank = 0; rank < place.size; ++rank) {
      const std::string word = text_of(store->get(key(rank)));
      const std::size_t space = word.find(' ');
      members.push_back({std::stoi(word.substr(0, space)), word.substr(space + 1)});
    }
    connect();
  }

  void connect() {
    const Rendezvous here = part(fmt::format("group {}", generation));
#ifdef W2S_NCCL
    if (device.is_cuda()) {
      reduce = nccl(here, place, timeout);
      return;
    }
#endif
    reduce = gloo(here, place, timeout);
  }

  void exchange(const Tensor& tensor) {
    if (!reduce) throw TeamLost("the team has ended: " + broken);
    bytes += static_cast<std::int64_t>(tensor.numel() * tensor.element_size());
    try {
#ifdef W2S_NCCL
      if (device.is_cuda() && !tensor.is_cuda()) {
        const Tensor there = tensor.to(device);
        reduce(there);
        tensor.copy_(there);
        return;
      }
#endif
      if (tensor.is_cuda() && !device.is_cuda()) throw Error("a team of CPUs cannot exchange CUDA tensors");
      reduce(tensor);
    } catch (const std::exception& error) {
      broken = message_of(error);
      broken = broken.substr(0, broken.find('\n'));
      throw TeamLost("lost the connection to the other processes of the team (" + broken + ")");
    }
  }
};

Team::Team(const TeamPlace& place, at::Device device, double seconds)
    : impl_(std::make_unique<Impl>(place, device, milliseconds(static_cast<std::int64_t>(seconds * 1000)))) {
  impl_->join();
}

std::int64_t Team::rank() const { return impl_->place.rank; }
std::int64_t Team::size() const { return impl_->place.size; }
bool Team::lost() const { return impl_->lost; }
bool Team::leader_reports() const { return impl_->leader_reports; }
std::int64_t Team::bytes() const { return impl_->bytes; }

void Team::all_reduce(const Tensor& tensor) {
  const at::NoGradGuard no_grad;
  impl_->exchange(tensor);
}

void Team::broadcast(const Tensor& tensor) {
  const at::NoGradGuard no_grad;
  if (!leads()) tensor.zero_();
  all_reduce(tensor);
}

std::string Team::broadcast(const std::string& message) {
  const auto length = static_cast<std::int64_t>(message.size());
  const Tensor head = at::zeros({8 + kShortMessage}, at::kByte);
  auto* bytes = head.data_ptr<std::uint8_t>();
  if (leads()) {
    std::memcpy(bytes, &length, 8);
    std::memcpy(bytes + 8, message.data(), static_cast<std::size_t>(std::min(length, kShortMessage)));
  }
  all_reduce(head);
  std::int64_t said = 0;
  std::memcpy(&said, bytes, 8);
  std::string text(reinterpret_cast<const char*>(bytes) + 8,
                   static_cast<std::size_t>(std::min(said, kShortMessage)));
  if (said <= kShortMessage) return text;
  const Tensor rest = at::zeros({said - kShortMessage}, at::kByte);
  if (leads()) {
    std::memcpy(rest.data_ptr<std::uint8_t>(), message.data() + kShortMessage,
                static_cast<std::size_t>(said - kShortMessage));
  }
  all_reduce(rest);
  return text.append(reinterpret_cast<const char*>(rest.data_ptr<std::uint8_t>()),
                     static_cast<std::size_t>(said - kShortMessage));
}

double Team::broadcast(double value) {
  const Tensor one = at::tensor({leads() ? value : 0.0}, at::kDouble);
  all_reduce(one);
  return one.item<double>();
}

bool Team::any(bool value) {
  const Tensor count = at::tensor({value ? 1 : 0}, at::kInt);
  all_reduce(count);
  return count.item<int>() > 0;
}

std::vector<std::string> Team::all_gather(const std::string& text) {
  const Tensor lengths = at::zeros({size()}, at::kLong);
  lengths[rank()] = static_cast<std::int64_t>(text.size());
  all_reduce(lengths);
  const auto* length = lengths.data_ptr<std::int64_t>();
  std::vector<std::int64_t> begin{0};
  for (std::int64_t r = 0; r < size(); ++r) begin.push_back(begin.back() + length[r]);
  const Tensor all = at::zeros({begin.back()}, at::kByte);
  char* bytes = reinterpret_cast<char*>(all.data_ptr<std::uint8_t>());
  std::copy(text.begin(), text.end(), bytes + begin[static_cast<std::size_t>(rank())]);
  if (begin.back() > 0) all_reduce(all);
  std::vector<std::string> texts;
  for (std::size_t r = 0; r + 1 < begin.size(); ++r)
    texts.emplace_back(bytes + begin[r], bytes + begin[r + 1]);
  return texts;
}

void Team::barrier() { any(false); }

std::string Team::failed(const std::string& error) {
  Impl& self = *impl_;
  if (self.lost) return error;
  self.leader_reports = false;
  const bool own = self.broken.empty();
  if (own) self.broken = error;
  self.reduce = nullptr;  // closes the connections
  std::vector<std::int64_t> gone;
  std::string cause;
  const auto has_ended = [&](std::int64_t rank) {
    const Member& member = self.members[static_cast<std::size_t>(rank)];
    return member.host == host_name() && !runs(member.process);
  };
  try {
    self.store->set(self.mark(rank()), bytes_of((own ? "E" : "L") + error));
    gone = self.missing(
        self.all(), [&](std::int64_t rank) { return self.mark(rank); }, std::min(kGrace, self.timeout),
        has_ended);
    std::vector<std::int64_t> there = self.all();
    std::erase_if(there, [&](auto rank) { return std::find(gone.begin(), gone.end(), rank) != gone.end(); });
    for (const std::int64_t other : there) {
      const std::string word = text_of(self.store->get(self.mark(other)));
      if (word[0] == 'E' && cause.empty()) cause = fmt::format("rank {}: {}", other, word.substr(1));
      self.leader_reports |= other == 0;
    }
    self.lost = !gone.empty();
    if (self.lost) {  // the leader keeps the store until all have read it
      const auto seen = [&](std::int64_t rank) { return fmt::format("seen {}/{}", self.generation, rank); };
      self.store->set(seen(rank()), bytes_of("seen"));
      if (leads()) self.missing(there, seen, std::min(kGrace, self.timeout), has_ended);
    } else {
      ++self.generation;
      self.connect();
      self.broken.clear();
    }
  } catch (const std::exception&) {  // the store went with the process that keeps it
    self.lost = true;
    if (gone.empty()) gone.push_back(0);
  }
  if (own) return error;
  if (!cause.empty()) return cause;
  if (gone.empty()) return error;
  std::string what;
  for (const std::int64_t rank : gone) {
    if (!what.empty()) what += ", ";
    const Member& member = self.members[static_cast<std::size_t>(rank)];
    const bool silent = member.host == host_name() && !has_ended(rank);
    what += self.name(rank) +
            (silent ? fmt::format(" has not answered for {} (--team-timeout)",
                                  duration_text(static_cast<double>(self.timeout.count()) / 1000))
                    : " is gone");
  }
  return what +
         ": the other processes of the team have ended too. What was done is kept; the same command goes on "
         "from there";
}

#else

struct Team::Impl {};

Team::Team(const TeamPlace& place, at::Device, double) {
  throw UsageError(
      fmt::format("{} started {} processes for one run, and this w2s was built without c10d and Gloo "
                  "(Debian: libtorch-dev "
                  "and libgloo-dev): run it alone, or with --no-team to run {} sweeps over one store",
                  place.launcher, place.size, place.size));
}

std::int64_t Team::rank() const { return 0; }
std::int64_t Team::size() const { return 1; }
bool Team::lost() const { return false; }
bool Team::leader_reports() const { return false; }
std::int64_t Team::bytes() const { return 0; }
void Team::all_reduce(const Tensor&) {}
void Team::broadcast(const Tensor&) {}
std::string Team::broadcast(const std::string& message) { return message; }
double Team::broadcast(double value) { return value; }
bool Team::any(bool value) { return value; }
std::vector<std::string> Team::all_gather(const std::string& text) { return {text}; }
void Team::barrier() {}
std::string Team::failed(const std::string& error) { return error; }

#endif

Team::~Team() = default;

}  // namespace w2s
