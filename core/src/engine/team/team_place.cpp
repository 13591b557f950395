#include "engine/team/team_place.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <w2s/error.hpp>

namespace w2s {
namespace {

const char* const kHere = "127.0.0.1";

// Ports that launchers without one of their own use: below those that systems give out.
constexpr std::int64_t kFirstPort = 15000, kPorts = 15000;

class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  bool has(const char* name) const { return environment_(name) != nullptr; }
  std::string text(const char* name, const std::string& fallback = "") const {
    const char* value = environment_(name);
    return value != nullptr ? value : fallback;
  }
  std::int64_t number(const char* name) const {
    const std::string value = text(name);
    std::int64_t number = -1;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, number);
    if (value.empty() || parsed.ec != std::errc() || parsed.ptr != end || number < 0) {
      throw UsageError("the environment's " + std::string(name) + " is '" + value +
                       "': expected a whole number from 0");
    }
    return number;
  }
  std::int64_t number(const char* name, std::int64_t fallback) const {
    return has(name) ? number(name) : fallback;
  }

 private:
  const Environment& environment_;
};

TeamPlace of_torchrun(const Variables& variables) {
  TeamPlace place{"torchrun", variables.number("RANK"), variables.number("LOCAL_RANK", 0),
                  variables.number("WORLD_SIZE")};
  place.served = variables.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  place.attempt = variables.text("TORCHELASTIC_RESTART_COUNT");
  for (const char* name : {"MASTER_ADDR", "MASTER_PORT"}) {
    if (!variables.has(name)) {
      throw UsageError("RANK and WORLD_SIZE are set, as torchrun does, and " + std::string(name) +
                       " is not: the processes cannot find each other");
    }
  }
  return place;
}

TeamPlace of_open_mpi(const Variables& variables) {
  TeamPlace place{"mpirun", variables.number("OMPI_COMM_WORLD_RANK"),
                  variables.number("OMPI_COMM_WORLD_LOCAL_RANK"), variables.number("OMPI_COMM_WORLD_SIZE")};
  if (variables.number("OMPI_COMM_WORLD_LOCAL_SIZE") == place.size) place.address = kHere;
  return place;
}

TeamPlace of_mpich(const Variables& variables) {
  TeamPlace place{"mpirun", variables.number("PMI_RANK"),
                  variables.number("MPI_LOCALRANKID", variables.number("PMI_RANK")),
                  variables.number("PMI_SIZE")};
  if (variables.number("MPI_LOCALNRANKS", place.size) == place.size) place.address = kHere;
  return place;
}

TeamPlace of_slurm(const Variables& variables) {
  TeamPlace place{"srun", variables.number("SLURM_PROCID"), variables.number("SLURM_LOCALID"),
                  variables.number("SLURM_STEP_NUM_TASKS")};
  place.address = variables.number("SLURM_STEP_NUM_NODES", 1) == 1
                      ? kHere
                      : first_host(variables.text("SLURM_STEP_NODELIST"));
  place.port = kFirstPort +
               (variables.number("SLURM_JOB_ID", 0) * 101 + variables.number("SLURM_STEP_ID", 0)) % kPorts;
  return place;
}

std::optional<TeamPlace> of_launcher(const Variables& variables) {
  if (variables.has("RANK") && variables.has("WORLD_SIZE")) return of_torchrun(variables);
  if (variables.has("OMPI_COMM_WORLD_RANK")) return of_open_mpi(variables);
  // srun speaks MPICH's language too: its own variables say more.
  if (variables.has("SLURM_STEP_NUM_TASKS") && variables.has("SLURM_PROCID")) return of_slurm(variables);
  if (variables.has("PMI_RANK") && variables.has("PMI_SIZE")) return of_mpich(variables);
  return std::nullopt;
}

}  // namespace

std::string first_host(const std::string& node_list) {
  const std::size_t bracket = node_list.find('['), comma = node_list.find(',');
  if (bracket == std::string::npos || comma < bracket) return node_list.substr(0, comma);
  const std::size_t end = node_list.find_first_of("-,]", bracket);
  const std::size_t close = node_list.find(']', bracket);
  if (end == std::string::npos || close == std::string::npos) return "";
  const std::string rest = node_list.substr(close + 1, node_list.find(',', close) - close - 1);
  return node_list.substr(0, bracket) + node_list.substr(bracket + 1, end - bracket - 1) + rest;
}

std::optional<TeamPlace> team_place(const Environment& environment) {
  const Variables variables(environment);
  std::optional<TeamPlace> place = of_launcher(variables);
  if (!place || place->size < 2) return std::nullopt;
  if (place->rank >= place->size) {
    throw UsageError("the environment says rank " + std::to_string(place->rank) + " of " +
                     std::to_string(place->size) + " processes: ranks are counted from 0");
  }
  place->address = variables.text("MASTER_ADDR", place->address);
  if (place->address.empty()) {
    throw UsageError(place->launcher +
                     " started processes on several hosts: set MASTER_ADDR to the host of rank 0 for all of "
                     "them (mpirun -x MASTER_ADDR=HOST …)");
  }
  // The processes of one host have the same parent.
  if (place->port == 0) place->port = kFirstPort + getppid() % kPorts;
  place->port = variables.number("MASTER_PORT", place->port);
  return place;
}

std::optional<TeamPlace> team_place() {
  return team_place([](const char* name) { return std::getenv(name); });
}

}  // namespace w2s
