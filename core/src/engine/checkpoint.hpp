// Checkpoints: how a training loop that was interrupted goes on where it stopped, in the same bits.
//
//   <folder>/checkpoint.safetensors   tensors by name; texts (random streams, the log so far) as metadata
//
// The loop gives its whole state at the end of a step. It is one file, written aside, synced and renamed:
// what is found is a whole state, whenever the process died. A loop uses it so:
//
//   if (const auto saved = checkpoints.load()) … go on from *saved …
//   for (…) { … one step …; checkpoints.after_step([&] { return everything that later steps depend on; }); }
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <w2s/error.hpp>
#include <w2s/tensor.hpp>

namespace w2s {

struct Checkpoint {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> texts;

  /// Adds tensors as "prefix.NAME", and gives them back.
  void put(const std::string& prefix, const std::map<std::string, Tensor>& part);
  std::map<std::string, Tensor> part(const std::string& prefix) const;
};

class Team;

/// Training was asked to end, and its state is kept: the same call goes on from there.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// When a training loop saves itself.
struct CheckpointSchedule {
  double seconds = 300;                     ///< from one to the next; 0: after every step
  std::function<bool()> asked_to_end = {};  ///< true: save after this step and throw Interrupted
  std::function<void(bool)> can_save = {};  ///< told when a loop begins that can save itself, and ends
  std::function<void(const std::string&)> log = {};  ///< what went wrong without ending the training
  Team* team = nullptr;  ///< processes that take every step together: the leader saves, all end together
};

class Checkpoints {
 public:
  /// `folder` is made when the first one is written.
  Checkpoints(std::string folder, CheckpointSchedule schedule);
  ~Checkpoints();
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  /// A text that belongs to the state but not to the loop (its log); load() gives it back.
  void carry(const std::string& name, std::string& text);
  /// The last one, on the CPU; nothing where there is none or it cannot be read. Call it once, when the loop
  /// begins.
  std::optional<Checkpoint> load();
  /// Call at the end of every step but the last. A failure to write is logged, and training goes on. Throws
  /// Interrupted where the process was asked to end.
  void after_step(const std::function<Checkpoint()>& state);
  /// Spent on training until the one that was loaded; 0 where none was.
  double seconds_before() const { return seconds_before_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Decision {
    bool save, end;
  };
  Decision decide();
  bool save(Checkpoint state);

  std::string folder_, file_;
  CheckpointSchedule schedule_;
  std::map<std::string, std::string*> carried_;
  Clock::time_point begun_, saved_;
  double seconds_before_ = 0;
  // With a team: decisions are made together, every so many steps.
  std::int64_t steps_between_ = 1, steps_left_ = 1;
  Clock::time_point decided_;
};

}  // namespace w2s
