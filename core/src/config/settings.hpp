// Settings: what each fit of an experiment is trained with. [train], then [models.NAME.train], then
// [methods.NAME.train]: merged here and nowhere else, and parsed once. Free of LibTorch.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "config/experiment.hpp"

namespace w2s {

/// The settings of one fit, and the written values that they come from, each with its place.
struct TrainSettings {
  Table written;
  TrainParams params;
};

/// Reads an experiment, which must outlive it. Not for several threads at once.
class Settings {
 public:
  explicit Settings(const Experiment& experiment) : experiment_(experiment) {}

  /// Of supervisors and ceilings. Throws UsageError for a model that does not exist.
  const TrainSettings& baseline(const std::string& model) const { return of(model, ""); }
  /// Of the students of a method; "" is no method. Throws UsageError for one that does not exist.
  const TrainSettings& student(const std::string& model, const std::string& method) const {
    return of(model, method);
  }
  /// Of a model's pretraining, which it must have.
  TrainParams pretraining(const ModelSpec& model) const;

 private:
  const TrainSettings& of(const std::string& model, const std::string& method) const;

  const Experiment& experiment_;
  mutable std::map<std::pair<std::string, std::string>, TrainSettings> known_;
};

/// All settings as a table, defaults included: the inverse of parse_train.
Table table_of(const TrainParams& train);

}  // namespace w2s
