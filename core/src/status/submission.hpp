// What was handed to a cluster: written by `w2s run --launcher slurm`, read by `w2s status`.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace w2s {

struct SubmittedArray {
  std::string id;  // Slurm's
  std::size_t level = 0;
  std::vector<std::string> keys;  // of the records, a task each
};

struct Submission {
  std::vector<SubmittedArray> arrays;
};

/// <folder>/submission.json. Reading a folder without one gives an empty submission.
void save_submission(const std::string& folder, const Submission& submission);
Submission load_submission(const std::string& folder);

/// Tasks of each array by Slurm's state ("PENDING", "RUNNING", …), from squeue; an array that has left the
/// queue is missing. Empty where squeue is not there or does not answer.
std::map<std::string, std::map<std::string, int>> queue_states(const Submission& submission);

}  // namespace w2s
