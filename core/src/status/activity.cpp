#include "status/activity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

using nlohmann::json;

std::string activity_folder(const std::string& root) { return root + "/activity"; }
std::string failures_folder(const std::string& root) { return root + "/failures"; }

std::string host_name() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return host;
}

// Readers see the old contents or the new; after a crash of the machine they may see neither, which is no
// loss.
void write_lightly(const std::string& path, const json& content) {
  const std::string aside = path + ".new";
  std::ofstream out(aside, std::ios::trunc);
  out << content.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  out.close();
  if (!out || std::rename(aside.c_str(), path.c_str()) != 0) ::unlink(aside.c_str());
}

json read_lightly(const std::string& path) {
  std::ifstream in(path);
  return json::parse(in, nullptr, false);
}

bool is_held(const std::string& lock) {
  const Descriptor file(::open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  return file.valid() && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

json to_json(const ActiveJob& job) {
  return {{"key", job.key},     {"title", job.title},
          {"what", job.what},   {"device", job.device},
          {"log", job.log},     {"step", job.step},
          {"total", job.total}, {"loss", job.loss},
          {"since", job.since}, {"per_second", job.per_second}};
}

ActiveJob active_job(const json& from) {
  ActiveJob job;
  job.key = from.at("key");
  job.title = from.at("title");
  job.what = from.at("what");
  job.device = from.at("device");
  job.log = from.at("log");
  job.step = from.at("step");
  job.total = from.at("total");
  job.loss = from.at("loss").is_number() ? from.at("loss").get<double>() : 0;
  job.per_second = from.at("per_second").is_number() ? from.at("per_second").get<double>() : 0;
  job.since = from.at("since");
  return job;
}

std::string without(const std::string& name, const std::string& ending) {
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : "";
}

void remove_dead_runs(const std::string& folder) {
  for (const std::string& name : list_directory(folder)) {
    const std::string run = without(name, ".json");
    if (run.empty()) continue;
    if (const auto lock = FileLock::try_acquire(folder + "/" + run + ".lock")) {
      ::unlink((folder + "/" + name).c_str());
    }
  }
}

}  // namespace

Activity::Activity(const std::string& root) : root_(root) {
  make_directories(activity_folder(root));
  make_directories(failures_folder(root));
  path_ = activity_folder(root) + "/" + host_name() + "." + std::to_string(::getpid());
  if (auto lock = FileLock::try_acquire(path_ + ".lock")) lock_.emplace(std::move(*lock));
  remove_dead_runs(activity_folder(root));
}

Activity::~Activity() { ::unlink((path_ + ".json").c_str()); }

void Activity::show(const std::vector<ActiveJob>& jobs) const {
  json list = json::array();
  for (const ActiveJob& job : jobs) list.push_back(to_json(job));
  write_lightly(path_ + ".json", {{"host", host_name()}, {"pid", ::getpid()}, {"jobs", list}});
}

void Activity::failed(const std::string& key, const FailedJob& job) const {
  write_lightly(failures_folder(root_) + "/" + key + ".json", {{"title", job.title},
                                                               {"reason", job.reason},
                                                               {"log", job.log},
                                                               {"command", job.command},
                                                               {"when", job.when}});
}

void Activity::succeeded(const std::string& key) const {
  ::unlink((failures_folder(root_) + "/" + key + ".json").c_str());
}

std::vector<ActiveRun> active_runs(const std::string& root) {
  std::vector<ActiveRun> runs;
  for (const std::string& name : list_directory(activity_folder(root))) {
    const std::string run = without(name, ".json");
    if (run.empty() || !is_held(activity_folder(root) + "/" + run + ".lock")) continue;
    try {
      const json content = read_lightly(activity_folder(root) + "/" + name);
      ActiveRun found{content.at("host"), content.at("pid"), {}};
      for (const json& job : content.at("jobs")) found.jobs.push_back(active_job(job));
      runs.push_back(std::move(found));
    } catch (const json::exception&) {
      continue;  // it ended while we read
    }
  }
  return runs;
}

std::map<std::string, FailedJob> failed_jobs(const std::string& root) {
  std::map<std::string, FailedJob> failed;
  for (const std::string& name : list_directory(failures_folder(root))) {
    const std::string key = without(name, ".json");
    if (key.empty()) continue;
    try {
      const json content = read_lightly(failures_folder(root) + "/" + name);
      failed[key] = {content.at("title"), content.at("reason"), content.at("log"), content.at("command"),
                     content.at("when")};
    } catch (const json::exception&) {
      continue;
    }
  }
  return failed;
}

}  // namespace w2s
