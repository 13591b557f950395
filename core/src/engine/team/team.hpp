// Team: processes that carry out fits together, through c10d: Gloo between CPUs, NCCL between GPUs where
// LibTorch has it.
//
// All of them do the same things in the same order; the one of rank 0 leads. What all_reduce() and its kin
// give is the same in every process, to the bit. A process that dies is noticed by the others in the exchange
// that they are at, or at the latest after the time limit: TeamLost.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <w2s/error.hpp>
#include <w2s/tensor.hpp>

#include "engine/team/team_place.hpp"
#include "store/lockstep.hpp"

namespace w2s {

/// An exchange failed: another process is gone, has failed, or does not answer. failed() knows which.
class TeamLost : public Error {
 public:
  using Error::Error;
};

class Team final : public Lockstep {
 public:
  /// Waits for the others, at most `seconds`, which is also the time limit of every exchange. Tensors on
  /// `device` are exchanged there. Throws UsageError where this LibTorch cannot, and Error naming the
  /// processes that did not come.
  Team(const TeamPlace& place, at::Device device, double seconds);
  ~Team() override;

  std::int64_t rank() const;
  std::int64_t size() const;
  bool leads() const override { return rank() == 0; }

  /// Replaces a tensor's values by their sums over all processes.
  void all_reduce(const Tensor& tensor);
  /// Replaces a tensor's values by the leader's.
  void broadcast(const Tensor& tensor);
  std::string broadcast(const std::string& message) override;
  double broadcast(double value);
  bool any(bool value);
  /// A text of each process, by rank.
  std::vector<std::string> all_gather(const std::string& text);
  /// Waits until all are here.
  void barrier();

  /// What this process was at has failed here. Leaves the exchange, so that the others fail too, waits for
  /// them and begins anew, where none is lost. Returns what to tell the user: where `error` only followed
  /// from another process's failure, that process and its error.
  std::string failed(const std::string& error);
  /// Some process is gone for good: the team cannot go on.
  bool lost() const;
  /// After failed(): the leader has seen the failure too, and reports it.
  bool leader_reports() const;
  /// Bytes that this process has given to exchanges.
  std::int64_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace w2s
