// [launcher]: what a job needs of a cluster. Changes no result, and is no part of any key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s {

/// When a level of jobs starts: after all of the one before succeeded, or ended in whatever way.
enum class Dependency { afterok, afterany };
constexpr auto enum_names(Dependency) { return std::array{"afterok", "afterany"}; }

struct LauncherParams {
  std::string partition, account, qos, constraint;
  std::string time, memory;
  std::int64_t cpus = 1;
  std::string gpus;
  std::int64_t at_once = 0;
  Dependency dependency = Dependency::afterok;
  std::vector<std::string> options;
  std::vector<std::string> setup;
};

/// The schema of LauncherParams, with ranges and meanings.
void describe_launcher(Schema<LauncherParams>& schema);

}  // namespace w2s
