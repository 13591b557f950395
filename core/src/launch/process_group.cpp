#include "launch/process_group.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace w2s {
namespace {

namespace fs = std::filesystem;

// The process group in /proc/PID/stat: the third field behind the name, which may hold anything.
pid_t group_of(const std::string& process) {
  std::ifstream in(process + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(line.substr(end + 1));
  std::string state;
  pid_t parent = 0, group = 0;
  rest >> state >> parent >> group;
  return group;
}

std::int64_t allocated_by(const std::string& process) {
  std::ifstream in(process + "/statm");
  std::int64_t total = 0, resident = 0, shared = 0;
  in >> total >> resident >> shared;
  return (resident - shared) * sysconf(_SC_PAGESIZE);
}

}  // namespace

std::int64_t allocated_bytes(pid_t group) {
  std::int64_t bytes = 0;
  std::error_code gone;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (group_of(entry.path()) == group) bytes += allocated_by(entry.path());
  }
  return bytes;
}

}  // namespace w2s
