// Supervisor: who labels the transfer half in one job, and how well that one does on the test sets.
#pragma once

#include <memory>
#include <string>

#include "lab/local_lab.hpp"

namespace w2s {

/// Probabilities [N, C] of a set of test examples, or answers to them (generation), or why there are none.
struct TestLabels {
  Tensor probabilities;
  std::string why_not;
  std::optional<Answers> answers;
};

TestLabels test_labels(LocalLab& lab, const Student& student, const Examples& examples);

class Supervisor {
 public:
  virtual ~Supervisor();
  /// Labels for examples of the transfer half; those that it has no label for are left out.
  virtual Supervision label(const Examples& examples) = 0;
  /// All of a test set or nothing of it.
  virtual TestLabels test(const Examples& examples) = 0;
};

/// A model on the ground truth of a half, as baselines are fitted.
SupervisorFit on_truth(const LocalLab& lab, const std::string& model, const Half& half);

struct SupervisorSetup {
  const Experiment* experiment = nullptr;
  std::string weak;  // the model that teaches where no supervisor from outside does
  const TaskData* data = nullptr;
  const Splits* splits = nullptr;
  std::uint64_t seed = 0;
};

/// The supervisor of the experiment; a weak model is fitted (or found) and told to the lab. Throws UsageError
/// where labels from outside do not fit the task.
std::unique_ptr<Supervisor> make_supervisor(const SupervisorSetup& setup, LocalLab& lab);

}  // namespace w2s
