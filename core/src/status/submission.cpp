#include "status/submission.hpp"

#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include <w2s/error.hpp>

#include "base/files.hpp"
#include "base/run_program.hpp"

namespace w2s {

void save_submission(const std::string& folder, const Submission& submission) {
  nlohmann::json json = {{"launcher", "slurm"}, {"arrays", nlohmann::json::array()}};
  for (const SubmittedArray& array : submission.arrays)
    json["arrays"].push_back({{"id", array.id}, {"level", array.level}, {"keys", array.keys}});
  write_file_atomically(folder + "/submission.json", json.dump(2) + "\n");
}

Submission load_submission(const std::string& folder) {
  const std::string path = folder + "/submission.json";
  Submission submission;
  if (!std::filesystem::exists(path)) return submission;
  try {
    const nlohmann::json json = nlohmann::json::parse(read_file(path));
    for (const nlohmann::json& array : json.at("arrays"))
      submission.arrays.push_back({array.at("id"), array.at("level"), array.at("keys")});
  } catch (const nlohmann::json::exception& error) {
    throw Error(path + ": " + error.what());
  }
  return submission;
}

std::map<std::string, std::map<std::string, int>> queue_states(const Submission& submission) {
  std::map<std::string, std::map<std::string, int>> states;
  if (submission.arrays.empty()) return states;
  std::string ids;
  for (const SubmittedArray& array : submission.arrays) ids += (ids.empty() ? "" : ",") + array.id;
  ProgramResult result;
  try {
    // %F the array's id, %T the state in full; a task a line.
    result = run_program({"squeue", "--noheader", "--array", "--format=%F %T", "--jobs=" + ids});
  } catch (const Error&) {
    return states;
  }
  if (result.status != 0) return states;
  std::istringstream lines(result.output);
  for (std::string id, state; lines >> id >> state;) ++states[id][state];
  return states;
}

}  // namespace w2s
