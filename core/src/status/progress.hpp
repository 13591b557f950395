// Progress: how far a piece of work is. One value from the training loops to whoever shows it: the run's
// display, a fit's log, `w2s status`. Knows no tensors.
//
// As JSON: {"what", "step", "steps", "epoch", "loss", "lr", "gradient_norm", "examples_per_second"} and,
// after a validation, {"validation_agreement", "validation_accuracy_oracle"}; a number that is not finite is
// null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace w2s {

struct Progress {
  std::string what = {};  ///< "fit strong", "waiting for …"; the training loops leave it to their caller
  /// The step that was taken, from 0, of so many; steps = 0 for what is no training.
  std::int64_t step = 0, steps = 0, epoch = 0;
  double loss = 0, lr = 0, gradient_norm = 0, examples_per_second = 0;
  // Set where this step was followed by a validation.
  std::optional<double> validation_agreement = {};  ///< share of validation labels (argmax) that are given
  std::optional<double> validation_accuracy = {};   ///< the same against ground truth: for the oracle only

  /// One of about 200 steps that a log keeps, the last one, or followed by a validation.
  bool in_log() const;
  /// "fit strong · step 12/32 · loss 0.2500 · 1800/s"
  std::string text() const;
};

void to_json(nlohmann::json& json, const Progress& progress);
/// Of what to_json() made; what is not there keeps its default. Throws nlohmann::json::exception.
void from_json(const nlohmann::json& json, Progress& progress);

}  // namespace w2s
