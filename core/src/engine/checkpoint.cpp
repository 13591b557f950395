#include "engine/checkpoint.hpp"

#include <fmt/format.h>

#include <w2s/safetensors.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

const std::string kSeconds = "seconds of training";

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
      saved_(begun_) {}

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

void Checkpoints::after_step(const std::function<Checkpoint()>& state) {
  const bool end = schedule_.asked_to_end && schedule_.asked_to_end();
  const auto now = Clock::now();
  if (!end && seconds_between(saved_, now) < schedule_.seconds) return;
  const bool saved = save(state());
  saved_ = Clock::now();
  if (end) throw Interrupted(saved ? "interrupted; its state is saved" : "interrupted; its state is lost");
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
