// Gradient checkpointing (Chen et al. 2016): a block keeps its input alone and
// is computed a second time when its gradient is due.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "family.hpp"

namespace w2s::hf {

using Block = std::function<Tensor(const Tensor&)>;

/// block(x). Where `in` asks for it and a gradient will be taken, the activations inside are dropped and
/// recomputed in the backward pass, under the mixed precision of the forward pass.
/// `module` begins the names of the weights that the block reads ("h.3."); `shared` begin those of others.
/// The block outlives this call: what it needs besides the model it holds by value. Second derivatives are
/// refused with an Error.
Tensor run_block(const Inputs& in, const Weights& weights, const std::string& module, const Tensor& x,
                 const Block& block, const std::vector<std::string>& shared = {});

}  // namespace w2s::hf
