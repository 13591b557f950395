// w2s run as one of several processes that carry out every fit together.
#pragma once

#include <functional>
#include <memory>

#include "engine/team/team.hpp"
#include "launch/pool.hpp"
#include "run_options.hpp"

namespace w2s::app {

/// True where --processes asks for more than one.
bool starts_processes(const RunOptions& how);
/// Starts them, the same command each; returns their exit status. What one of them cannot do is told here.
int run_processes(const Options& options, const RunOptions& how, const Args& args);

/// The team that a launcher or run_processes started this process in; sets what `pool` needs for it. Null for
/// a process that was started alone. Throws UsageError for options that do not go with a team.
std::unique_ptr<Team> join_team(const Options& options, const RunOptions& how, PoolOptions& pool);
/// Runs `body` as a part of the team. What fails in all processes is told by the leader alone; all end
/// together.
int run_in_team(Team& team, const std::function<int()>& body);
/// The jobs are done that the leader takes for done. Throws UsageError where it has another plan.
void follow_leader(Plan& plan, Team& team);

}  // namespace w2s::app
