// TeamPlace: which process of how many this one is, and where they meet, as torchrun, mpirun and srun say it
// in the environment.
//
//   torchrun  RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT (also w2s run --processes)
//   mpirun    OMPI_COMM_WORLD_RANK, …_LOCAL_RANK, …_SIZE, …_LOCAL_SIZE (Open MPI); PMI_RANK, PMI_SIZE (MPICH)
//   srun      SLURM_PROCID, SLURM_LOCALID, SLURM_STEP_NUM_TASKS, SLURM_STEP_NODELIST
//
// A batch script, the task of a job array and a step of one task have no SLURM_STEP_NUM_TASKS above 1: they
// are no team. MASTER_ADDR and MASTER_PORT, where they are set, hold for every launcher.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace w2s {

struct TeamPlace {
  std::string launcher;  // "torchrun", "mpirun", "srun"
  std::int64_t rank = 0, local_rank = 0, size = 1;
  std::string address = {};  // of rank 0
  std::int64_t port = 0;
  bool served = false;       // someone else listens there already: torchrun's agent
  std::string attempt = {};  // of torchrun, which starts processes again
};

/// A variable of the environment; null where it is not set.
using Environment = std::function<const char*(const char*)>;

/// Nothing where this process was started alone. Throws UsageError for variables that make no sense, and
/// where nothing says on which host rank 0 runs.
std::optional<TeamPlace> team_place(const Environment& environment);
std::optional<TeamPlace> team_place();

/// "node03" of Slurm's "node[03-05,9],other".
std::string first_host(const std::string& node_list);

}  // namespace w2s
