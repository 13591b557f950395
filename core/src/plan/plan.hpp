// Plan: the jobs of one or more experiments, each once, in an order that respects
// what they need, and whether the store holds their records already.
//
// A job's key is the digest of its recipe (lab/recipe.hpp): task parameters, data files, split, models
// with their pretraining, training settings, loss and strategies with the code of
// their plugins, seed, the parts of our own code. No data is read beyond hashing the task's files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "lab/recipe.hpp"
#include "plugins/registry.hpp"
#include "store/store.hpp"

namespace w2s {

enum class JobKind { pretrain, floor, ceiling, student };
const char* name_of(JobKind kind);

struct Job {
  JobKind kind;
  std::string key;             // of its record
  std::size_t experiment = 0;  // index in Plan::experiments of the first that asked for it
  std::string weak, strong;    // a floor has only weak; a ceiling and a pretraining only strong
  std::string method;          // students only
  std::int64_t seed = 0;
  std::string code;                // key of its recipe but for the seed: what its names stand for
  std::string floor, ceiling;      // students: keys of their baselines' records
  std::vector<std::size_t> needs;  // earlier jobs in Plan::jobs
  bool done = false;

  /// "student gce: supervisor → strong, seed 1"
  std::string title() const;
};

struct Plan {
  std::vector<Experiment> experiments;
  std::vector<std::string> protocols;  // by experiment: digest of task, data and split
  std::vector<Job> jobs;               // each key once, in an order that respects needs
  std::vector<std::vector<Job>>
      records;  // by experiment: what its leaderboard shows, under this experiment's names;
                // records are shared between experiments, names are not

  std::map<std::string, Recipe> recipes;  // by Job::code

  /// All that the job's record depends on; its key is the job's.
  Recipe recipe(const Job& job) const;
  std::size_t open() const;  // jobs not done
};

/// `store`: where done jobs are looked up; without one, every job is open.
/// Throws UsageError where an experiment is not valid.
Plan make_plan(std::vector<Experiment> experiments, const Registry& registry, const Store* store);

/// Leaves only the jobs whose keys begin so, and those that they need. Throws UsageError where a beginning is
/// that of no job or of several.
void keep_only(Plan& plan, const std::vector<std::string>& keys);

}  // namespace w2s
