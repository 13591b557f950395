// Adam, AdamW and SGD over flat buffers.
//
// After the first backward pass the trained tensors and their gradients are moved
// into one contiguous buffer each; a step is then a single pass over memory,
// whatever the number of tensors. Tensors without a gradient take no part (no decay).
//
// Formulas as PyTorch's: adam with weight_decay adds wd·p to the gradient, adamw
// decays p by lr·wd first; p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps).
#pragma once

#include <map>
#include <string>
#include <vector>

#include <w2s/tensor.hpp>
#include <w2s/train.hpp>

#include "engine/kernels/adam_kernel.hpp"

namespace w2s {

/// Adam's numbers at step t, from 1.
AdamStep adam_step(const TrainParams& train, double lr, std::int64_t t);

/// A step of Adam in LibTorch's operations, for tensors on any device: one fused kernel from LibTorch 2.0 on
/// (2.4 on for the CPU), several before.
void adam_operations(const Tensor& value, const Tensor& gradient, const Tensor& first, const Tensor& second,
                     const AdamStep& s);

class Team;

class Optimizer {
 public:
  /// Leaves that require gradients; float32. The optimiser replaces their storage by views of its buffer.
  Optimizer(std::vector<Tensor> parameters, const TrainParams& train);

  /// Adds up the gradients of a team's processes, each of which has those of its share. Before
  /// clip_gradients().
  void sum_gradients(Team& team);
  /// Gathers gradients (on first use: makes the buffers) and returns the total norm before clipping.
  /// Clips to train.clip_norm where that is above 0.
  double clip_gradients();
  void step(double lr);
  void zero_gradients();

  /// Buffers by name ("0.m", "0.v", "0.step", …): for checkpoints.
  std::map<std::string, Tensor> state() const;
  void load_state(const std::map<std::string, Tensor>& state);

 private:
  // Parameters whose gradients appeared at the same step.
  struct Segment {
    std::vector<std::size_t> members;
    Tensor value, gradient, first, second;
    std::int64_t steps = 0;
  };
  void gather();
  Segment flatten(const std::vector<std::size_t>& members);

  TrainParams train_;
  std::vector<Tensor> parameters_;
  std::vector<bool> placed_;
  std::vector<Segment> segments_;
};

}  // namespace w2s
