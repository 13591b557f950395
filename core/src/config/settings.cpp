#include "config/settings.hpp"

namespace w2s {

const TrainSettings& Settings::of(const std::string& model, const std::string& method) const {
  const auto known = known_.find({model, method});
  if (known != known_.end()) return known->second;
  TrainSettings settings;
  settings.written = merge(experiment_.train, experiment_.model(model).train);
  if (!method.empty()) settings.written = merge(settings.written, experiment_.method(method).train);
  settings.params = parse_train(settings.written, "train");
  return known_[{model, method}] = std::move(settings);
}

TrainParams Settings::pretraining(const ModelSpec& model) const {
  return parse_train(model.pretrain->train, "pretrain");
}

Table table_of(const TrainParams& train) {
  Schema<TrainParams> schema;
  describe_train(schema);
  return schema.resolved(train);
}

}  // namespace w2s
