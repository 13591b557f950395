#include "recompute.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <w2s/torch_compat.hpp>

namespace w2s::hf {
namespace {

using torch::autograd::variable_list;

struct Recipe final : torch::CustomClassHolder {
  Block block;
  at::ScalarType precision = at::kFloat;
};

// Inputs: x, then the weights. Output: block(x).
class Recomputed final : public torch::autograd::Function<Recomputed> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, at::TensorList inputs,
                        const c10::intrusive_ptr<Recipe>& recipe) {
    context->save_for_backward(inputs.vec());
    context->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    return recipe->block(inputs[0]);
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error(
          "second derivatives cannot be taken of blocks that are recomputed: set checkpoint_blocks = false");
    }
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(context->saved_data["recipe"].toCapsule());
    variable_list inputs = context->get_saved_variables();
    const bool through = inputs[0].requires_grad();
    inputs[0] = inputs[0].detach().requires_grad_(through);

    Tensor output;
    {
      const at::AutoGradMode recording(true);
      const compat::Autocast precision(inputs[0].device().type(), recipe->precision);
      output = recipe->block(inputs[0]);
    }
    variable_list wanted;
    for (const Tensor& input : inputs) {
      if (input.requires_grad()) wanted.push_back(input);
    }
    const variable_list found = torch::autograd::grad({output}, wanted, {gradients[0]}, /*retain_graph=*/{},
                                                      /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result;
    for (std::size_t i = 0, next = 0; i < inputs.size(); ++i) {
      result.push_back(inputs[i].requires_grad() ? found[next++] : Tensor());
    }
    result.emplace_back();  // the recipe's
    return result;
  }
};

}  // namespace

Tensor run_block(const Inputs& in, const Weights& weights, const std::string& module, const Tensor& x,
                 const Block& block, const std::vector<std::string>& shared) {
  if (!in.checkpoint_blocks || !at::GradMode::is_enabled()) return block(x);
  variable_list inputs = weights.trained(module);
  for (const std::string& other : shared) {
    const variable_list more = weights.trained(other);
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  if (inputs.empty() && !x.requires_grad()) return block(x);
  inputs.insert(inputs.begin(), x);
  const auto recipe = c10::make_intrusive<Recipe>();
  recipe->block = block;
  recipe->precision = compat::Autocast::current(x.device().type());
  return Recomputed::apply(at::TensorList(inputs), recipe);
}

}  // namespace w2s::hf
