// Pretraining: a model and an objective on unlabelled inputs.
#pragma once

#include <functional>

#include <w2s/objective.hpp>
#include <w2s/train.hpp>

#include "engine/trainer.hpp"

namespace w2s {

/// Trains model and objective together on all rows of `inputs`; partial batches are left out.
/// Throws Error naming the objective and the step where the loss is not finite.
void pretrain(IModel& model, IObjective& objective, const std::string& objective_name, const Encoded& inputs,
              const TrainParams& train, Stream stream, at::Device device,
              const std::function<void(const StepReport&)>& observe);

}  // namespace w2s
