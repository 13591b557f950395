// Reading ahead: a task's data is read once, before the jobs' processes are forked, which then share the
// memory.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <w2s/task.hpp>

#include "plan/plan.hpp"

namespace w2s {

/// Data by protocol, as read by ITask::load.
using TasksRead = std::map<std::string, TaskData>;

/// Reads what at least three open jobs need. A process of its own tries first: where reading fails, crashes,
/// takes longer than `timeout` seconds (0: any time) or more than a quarter of the free memory, nothing is
/// read and the jobs do it, each for itself. `give_up` ends the trying.
TasksRead read_ahead(const Plan& plan, const Registry& registry, double timeout,
                     const std::function<bool()>& give_up);

}  // namespace w2s
