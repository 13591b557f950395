// ITask: where examples come from.
//
// A task reads its data and says which rows may be used for training and which
// are held out. The core makes the halves, the validation sets and the
// sub-samples (see SplitParams in docs/protocol.md), the same way for every task.
// A task object is called by one thread at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <w2s/examples.hpp>
#include <w2s/register.hpp>

namespace w2s {

struct TaskData {
  TaskKind kind = TaskKind::classification;
  std::int64_t classes = 2;                 ///< generation: 1
  std::vector<std::string> class_names;     ///< [C] or empty
  Examples train;                           ///< to be halved; never shown in tests
  Examples test;                            ///< ground truth that every score is taken on
  std::map<std::string, Examples> shifted;  ///< named out-of-distribution test sets
  Examples unlabelled;                      ///< inputs for pretraining; empty: the train rows
  std::vector<std::string> notes;           ///< lines for the log: rows that were left out, and why
};

/// For tasks without test rows of their own: data.test gets at least `count` of `rows`, drawn at random by
/// group, and data.train the others. Throws UsageError in the name of `task` where none is left to train on.
W2S_API void hold_out(const Examples& rows, std::int64_t count, std::int64_t seed, const std::string& task,
                      TaskData& data);

class W2S_API ITask {
 public:
  virtual ~ITask();

  /// Files whose contents decide the data. Checked for existence by `validate`,
  /// hashed (with a cache by size and time) into every key.
  virtual std::vector<std::string> files() const = 0;

  /// Kind and classes without reading the data, where that is known from the parameters.
  virtual TaskKind kind() const = 0;
  virtual std::int64_t classes() const = 0;

  /// Reads everything. Throws UsageError naming file and line for bad rows.
  virtual TaskData load() = 0;
};

}  // namespace w2s
