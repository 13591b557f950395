#include "lab/context.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/files.hpp"
#include "base/tensorboard.hpp"
#include "engine/team/shares.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

// A folder's name that every shell and browser takes as it is.
std::string file_name(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_') c = '-';
  }
  return text;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

LabSetup with_cache(LabSetup setup) {
  if (!setup.cache) setup.cache = std::make_shared<LabCache>();
  return setup;
}

}  // namespace

LabContext::LabContext(LabSetup given)
    : setup(with_cache(std::move(given))), settings(*setup.experiment), fits(*setup.store) {}

Recipe LabContext::recipe(const std::string& kind, bool texts) const {
  Recipe recipe(kind, {"sdk", "engine", "lab"});
  if (texts) recipe.uses("text");
  recipe.set("device", device_kind());
  return recipe;
}

void LabContext::log(const std::string& line) const {
  if (setup.log) setup.log(line);
}

void LabContext::tell(const std::string& what) const {
  if (setup.progress) setup.progress({what});
}

std::function<void(const Progress&)> LabContext::observer(const std::string& what, const std::string& key,
                                                          std::string& log) const {
  const std::string tensorboard = store().leads() ? setup.tensorboard : "";
  return [this, what, write = log_writer(tensorboard, what, key, log)](const Progress& report) {
    write(report);
    if (!setup.progress) return;
    Progress progress = report;
    progress.what = what;
    setup.progress(progress);
  };
}

CheckpointSchedule LabContext::schedule() const {
  CheckpointSchedule schedule = setup.checkpoints;
  schedule.log = setup.log;
  schedule.team = setup.team;
  return schedule;
}

Examples LabContext::own_part(const Examples& examples) const {
  if (setup.team == nullptr) return examples;
  const auto [first, last] = range_of(examples.size(), setup.team->rank(), setup.team->size());
  return examples.slice(first, last);
}

bool LabContext::once(const std::string& key, const std::string& waiting_for,
                      const std::function<void()>& compute) {
  const bool computed = store().once(key, compute, [&] { tell("waiting for " + waiting_for); });
  note(key, computed);
  return computed;
}

bool LabContext::note(const std::string& key, bool computed) {
  if (std::find(used_.begin(), used_.end(), key) != used_.end()) return false;
  used_.push_back(key);
  computed_ += computed ? 1 : 0;
  return true;
}

std::function<void(const Progress&)> log_writer(const std::string& tensorboard, const std::string& what,
                                                const std::string& key, std::string& log) {
  std::shared_ptr<TensorBoardWriter> events;
  if (!tensorboard.empty()) {
    const std::string folder = file_name(what) + "-" + key.substr(0, 8);
    events = std::make_shared<TensorBoardWriter>(tensorboard + "/" + folder, unix_time());
  }
  return [events, &log](const Progress& report) {
    if (!report.in_log()) return;
    nlohmann::json line = report;
    line.erase("what");
    line.erase("steps");
    log += line.dump() + '\n';
    if (!events) return;
    for (const auto& [name, value] : line.items()) {
      if (name != "step") events->scalar(name, report.step, value.get<double>(), unix_time());
    }
    events->flush();
  };
}

void write_log(const ObjectWriter& object, const std::string& log) {
  write_file_atomically(object.folder() + "/" + kLogFile, log);
}

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

}  // namespace w2s
