// Pretrainer: trains models without labels: their pretraining, and what strategies ask for (Lab::tune).
#pragma once

#include <w2s/lab.hpp>

#include "lab/context.hpp"

namespace w2s {

class Backbones;

class Pretrainer {
 public:
  explicit Pretrainer(LabContext& context);

  /// The model's weights before any pretraining.
  Blueprint initial(const ModelSpec& model, std::uint64_t seed) const;
  /// Pretrains the model unless that was done; returns the object's key, "" for a model without a [pretrain]
  /// table.
  std::string pretrain(const std::string& model);
  /// Lab::tune.
  Student tune(Backbones& backbones, const FitSpec& spec, const Spec& objective, const Table& train,
               const Examples& examples);

 private:
  struct Run;
  Blueprint start_of(const ModelSpec& model) const;
  Recipe recipe(const ModelSpec& model) const;
  void compute(const ModelSpec& model, const Recipe& recipe);
  void set_inputs(Recipe& recipe, const Spec& objective, const Examples& inputs) const;
  nlohmann::json run(const Run& run, IModel& model, std::string& log);

  LabContext& context_;
  Examples unlabelled_;  // what pretraining may read
};

}  // namespace w2s
