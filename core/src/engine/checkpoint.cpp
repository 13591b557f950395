#include "engine/checkpoint.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>

#include "base/files.hpp"
#include "engine/team/team.hpp"

namespace w2s {
namespace {

const std::string kSeconds = "seconds of training";

// How often the processes of a team ask each other whether to save and end.
constexpr double kDecisionSeconds = 0.25;

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void Checkpoint::put(const std::string& prefix, const std::map<std::string, Tensor>& part) {
  for (const auto& [name, tensor] : part) tensors[prefix + "." + name] = tensor;
}

std::map<std::string, Tensor> Checkpoint::part(const std::string& prefix) const {
  std::map<std::string, Tensor> found;
  const std::string start = prefix + ".";
  for (auto it = tensors.lower_bound(start); it != tensors.end() && it->first.starts_with(start); ++it) {
    found[it->first.substr(start.size())] = it->second;
  }
  return found;
}

Checkpoints::Checkpoints(std::string folder, CheckpointSchedule schedule)
    : folder_(std::move(folder)),
      file_(folder_ + "/checkpoint.safetensors"),
      schedule_(std::move(schedule)),
      begun_(Clock::now()),
      saved_(begun_),
      decided_(begun_) {}

Checkpoints::~Checkpoints() {
  if (schedule_.can_save) schedule_.can_save(false);
}

void Checkpoints::carry(const std::string& name, std::string& text) { carried_[name] = &text; }

std::optional<Checkpoint> Checkpoints::load() {
  if (schedule_.can_save) schedule_.can_save(true);
  remove_stale_temporaries(folder_);
  if (!exists(file_)) return std::nullopt;
  Checkpoint found;
  try {
    const SafeTensors file = SafeTensors::open(file_);
    for (const std::string& name : file.names()) found.tensors[name] = file.at(name).clone();
    found.texts = file.metadata();
  } catch (const Error& error) {
    if (schedule_.log) schedule_.log(fmt::format("{}: training begins anew", error.what()));
    return std::nullopt;
  }
  for (const auto& [name, text] : carried_) *text = found.texts.at(name);
  seconds_before_ = std::stod(found.texts.at(kSeconds));
  if (schedule_.log) {
    schedule_.log(fmt::format("goes on from a checkpoint, after {:.1f} s of training", seconds_before_));
  }
  return found;
}

Checkpoints::Decision Checkpoints::decide() {
  const auto now = Clock::now();
  const bool asked = schedule_.asked_to_end && schedule_.asked_to_end();
  const bool due = seconds_between(saved_, now) >= schedule_.seconds;
  Team* team = schedule_.team;
  if (team == nullptr) return {asked || due, asked};
  if (--steps_left_ > 0) return {false, false};
  const double a_step = seconds_between(decided_, now) / static_cast<double>(steps_between_);
  const auto next =
      schedule_.seconds > 0 ? static_cast<std::int64_t>(kDecisionSeconds / std::max(a_step, 1e-6)) : 1;
  const Tensor votes = at::tensor({std::int64_t{asked}, team->leads() && due ? std::int64_t{1} : 0,
                                   team->leads() ? std::max<std::int64_t>(1, next) : 0},
                                  at::kLong);
  team->all_reduce(votes);
  const auto* vote = votes.data_ptr<std::int64_t>();
  steps_left_ = steps_between_ = vote[2];
  decided_ = now;
  return {vote[0] + vote[1] > 0, vote[0] > 0};
}

void Checkpoints::after_step(const std::function<Checkpoint()>& state) {
  const Decision decision = decide();
  if (!decision.save) return;
  Team* team = schedule_.team;
  bool saved = team != nullptr && !team->leads() ? true : save(state());
  saved_ = Clock::now();
  if (!decision.end) return;
  if (team != nullptr)
    saved = team->broadcast(saved ? "saved" : "") == "saved";  // none ends before it is saved
  throw Interrupted(saved ? "interrupted; its state is saved" : "interrupted; its state is lost");
}

bool Checkpoints::save(Checkpoint state) {
  for (const auto& [name, text] : carried_) state.texts[name] = *text;
  state.texts[kSeconds] = fmt::format("{}", seconds_before_ + seconds_between(begun_, Clock::now()));
  try {
    make_directories(folder_);
    save_safetensors(file_, state.tensors, state.texts);
    return true;
  } catch (const Error& error) {
    if (schedule_.log) schedule_.log(fmt::format("no checkpoint: {}", error.what()));
    return false;
  }
}

}  // namespace w2s
