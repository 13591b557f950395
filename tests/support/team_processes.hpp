// Processes that a test starts on this machine, as a launcher would: each runs the same function as a member
// of a team, or alone, and gives back tensors.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include <w2s/safetensors.hpp>

#include "check/tiny_world.hpp"
#include "engine/team/team.hpp"
#include "engine/threads.hpp"

namespace w2s::testing {

using Tensors = std::map<std::string, Tensor>;

/// How one process ended.
struct Ended {
  Tensors tensors;
  std::string error;  // what it threw
  int signal = 0;     // that ended it
};

inline int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  const bool found = ::bind(probe, where, size) == 0 && ::getsockname(probe, where, &size) == 0;
  ::close(probe);
  if (!found) throw Error("no free port");
  return ntohs(address.sin_port);
}

/// Runs `body` in `size` processes; 1: alone, with a null team. By rank. This process itself computes
/// nothing: LibTorch's threads do not cross a fork.
inline std::vector<Ended> in_processes(std::int64_t size, const std::function<Tensors(Team*)>& body,
                                       double seconds = 60) {
  const ScratchFolder folder;
  const int port = free_port();
  std::fflush(nullptr);
  std::vector<pid_t> processes;
  const auto file = [&](std::int64_t rank, const char* ending) {
    return folder.path() + "/" + std::to_string(rank) + ending;
  };
  for (std::int64_t rank = 0; rank < size; ++rank) {
    const pid_t process = ::fork();
    if (process > 0) {
      processes.push_back(process);
      continue;
    }
    set_threads(1);
    try {
      std::unique_ptr<Team> team;
      if (size > 1) {
        team = std::make_unique<Team>(TeamPlace{"torchrun", rank, rank, size, "127.0.0.1", port}, at::kCPU,
                                      seconds);
      }
      Tensors tensors = body(team.get());
      if (team) team->barrier();
      save_safetensors(file(rank, ".safetensors"), tensors);
      ::_exit(0);
    } catch (const std::exception& error) {
      std::ofstream(file(rank, ".error")) << error.what();
      ::_exit(1);
    }
  }
  std::vector<Ended> ended;
  for (std::int64_t rank = 0; rank < size; ++rank) {
    int status = 0;
    ::waitpid(processes[static_cast<std::size_t>(rank)], &status, 0);
    Ended one;
    if (WIFSIGNALED(status)) {
      one.signal = WTERMSIG(status);
    } else if (WEXITSTATUS(status) == 0) {
      const SafeTensors read = SafeTensors::open(file(rank, ".safetensors"));
      for (const std::string& name : read.names()) one.tensors[name] = read.at(name).clone();
    } else {
      std::ostringstream text;
      text << std::ifstream(file(rank, ".error")).rdbuf();
      one.error = text.str();
    }
    ended.push_back(std::move(one));
  }
  return ended;
}

/// The largest difference between tensors of the same names.
inline double apart(const Tensors& a, const Tensors& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (const auto& [name, tensor] : a) {
    const Tensor difference = (tensor.to(at::kDouble) - b.at(name).to(at::kDouble)).abs();
    if (difference.numel() > 0) largest = std::max(largest, difference.max().item<double>());
  }
  return largest;
}

}  // namespace w2s::testing
