// Pretraining: a model and an objective on unlabelled inputs.
#pragma once

#include <functional>

#include <w2s/objective.hpp>
#include <w2s/train.hpp>

#include "engine/checkpoint.hpp"
#include "engine/trainer.hpp"

namespace w2s {

/// Trains model and objective together on all rows of `inputs`; partial batches are left out.
/// With `checkpoints` it goes on from what is found there, to the same bits, and saves its state there.
/// Throws Error naming the objective and the step where the loss is not finite; Interrupted.
void pretrain(IModel& model, IObjective& objective, const std::string& objective_name, const Encoded& inputs,
              const TrainParams& train, Stream stream, at::Device device,
              const std::function<void(const Progress&)>& observe, Checkpoints* checkpoints = nullptr);

}  // namespace w2s
