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

void to_json(json& to, const ActiveJob& job) {
  to = job.progress;
  to.update({{"key", job.key},
             {"title", job.title},
             {"device", job.device},
             {"log", job.log},
             {"since", job.since}});
}

void from_json(const json& from, ActiveJob& job) {
  from.get_to(job.progress);
  from.at("key").get_to(job.key);
  from.at("title").get_to(job.title);
  from.at("device").get_to(job.device);
  from.at("log").get_to(job.log);
  from.at("since").get_to(job.since);
}

Activity::Activity(const std::string& root) : root_(root) {
  make_directories(activity_folder(root));
  make_directories(failures_folder(root));
  path_ = activity_folder(root) + "/" + host_name() + "." + std::to_string(::getpid());
  if (auto lock = FileLock::try_acquire(path_ + ".lock")) lock_.emplace(std::move(*lock));
  remove_dead_runs(activity_folder(root));
}

Activity::~Activity() { ::unlink((path_ + ".json").c_str()); }

void Activity::show(const std::vector<ActiveJob>& jobs) const {
  write_lightly(path_ + ".json", {{"host", host_name()}, {"pid", ::getpid()}, {"jobs", jobs}});
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
      runs.push_back({content.at("host"), content.at("pid"), content.at("jobs")});
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
